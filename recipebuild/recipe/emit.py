"""A recipe's values as YAML text, laid out as a person would: sections as blocks, what is small on one line.

Only constructs on which all YAML readers agree: words that could be read as something else are quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

WIDTH = 100
_PLAIN = re.compile(r"(\.{0,2}/)*[A-Za-z_][A-Za-z0-9_./-]*")
_NOT_TEXT = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def to_yaml(values: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """The text of a mapping.

    Args:
        values: JSON values.
        comments: By field (dots between), what to write after it.
    """
    return "".join(_block(values, "", "", comments or {}))


def on_one_line(value: Any) -> str:
    """The text of a JSON value, without a line break."""
    return _flow(value)


def _block(values: Mapping[str, Any], indent: str, path: str, comments: Mapping[str, str]) -> list[str]:
    lines = []
    for name, value in values.items():
        at = f"{path}.{name}".lstrip(".")
        remark = f"   # {comments[at]}" if at in comments else ""
        line = f"{indent}{_flow(name)}: {_flow(value)}"
        inside = any(field.startswith(f"{at}.") for field in comments)
        if isinstance(value, dict) and value and (len(line) > WIDTH or not indent or inside):
            lines += [f"{indent}{_flow(name)}:{remark}\n", *_block(value, f"{indent}  ", at, comments)]
        elif isinstance(value, list) and len(line) > WIDTH:
            lines += [f"{indent}{_flow(name)}:{remark}\n", *_items(value, f"{indent}  ")]
        else:
            lines.append(f"{line}{remark}\n")
    return lines


def _items(values: list[Any], indent: str) -> list[str]:
    lines = []
    for value in values:
        line = f"{indent}- {_flow(value)}\n"
        if isinstance(value, dict) and len(line) > WIDTH:
            first, *rest = _block(value, f"{indent}  ", "", {})
            lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines.append(line)
    return lines


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_flow(name)}: {_flow(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT
        return value if plain else json.dumps(value, ensure_ascii=False)
    text = json.dumps(value)
    # YAML 1.1 takes 1e-05 for text.
    return re.sub(r"^(-?\d+)e", r"\1.0e", text) if isinstance(value, float) else text
