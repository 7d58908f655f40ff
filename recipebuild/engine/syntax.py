"""A syntax tree in one spelling that every supported Python gives for the same source.

``ast.dump`` will not do: from version to version nodes gain fields, empty fields are left out or not, and ``repr`` of a
string follows the Unicode tables of the interpreter.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache

VERSION = 2
"""Of the spelling: another one gives other digests for the same source."""


def canonical_syntax(tree: ast.AST, texts: set[str] | None = None) -> str:
    """``tree`` in ASCII: each node as its name with its fields by name, those that are empty left out.

    Positions do not count, nor does the prefix of ``u"text"``. An f-string's text counts, not in how many pieces the
    parser holds it: 3.12 ends some with an empty one.

    Args:
        tree: Of any source.
        texts: Gets each string literal that is met on the way.

    Raises:
        TypeError: If the tree holds something that no parser puts there.
    """
    return _spelled(tree, set() if texts is None else texts)


def _spelled(node: ast.AST, texts: set[str]) -> str:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            texts.add(node.value)
        return f"Constant({_literal(node.value)})"
    fields = []
    for name in _in_order(node._fields):
        value = getattr(node, name, None)
        if isinstance(value, str):
            fields.append(f"{name}=str:{value!a}")
        elif isinstance(value, list):
            parts = _joined(value) if isinstance(node, ast.JoinedStr) else value
            if parts:
                spelled = [_spelled(part, texts) if isinstance(part, ast.AST) else _literal(part) for part in parts]
                fields.append(f"{name}=[{','.join(spelled)}]")
        elif isinstance(value, ast.AST):
            fields.append(f"{name}={_spelled(value, texts)}")
        elif value is not None:
            fields.append(f"{name}={_literal(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


@cache
def _in_order(names: tuple[str, ...]) -> list[str]:
    return sorted(names)


def _literal(value: object) -> str:
    """A literal with its type: 1, 1.0 and True are equal in Python, and are not the same program."""
    if value is None or value is ...:
        return str(value)
    if isinstance(value, bool | str | bytes | float | complex):
        return f"{type(value).__name__}:{value!a}"
    if isinstance(value, int):
        return f"int:{value:x}"  # in decimal, Python refuses long ones
    raise TypeError(f"no literal of Python: {type(value).__name__}")


def _joined(values: Iterable[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string, with texts that follow each other as one, and none that is empty."""
    parts: list[ast.expr] = []
    for value in values:
        text = value.value if isinstance(value, ast.Constant) else None
        last = parts[-1] if parts else None
        if isinstance(text, str) and isinstance(last, ast.Constant) and isinstance(last.value, str):
            parts[-1] = ast.Constant(last.value + text)
        elif text != "":
            parts.append(value)
    return parts
