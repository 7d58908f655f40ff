"""A syntax tree in one spelling that every supported Python gives for the same source.

``ast.dump`` will not do: from version to version nodes gain fields, empty fields are left out or not, and ``repr`` of a
string follows the Unicode tables of the interpreter.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

VERSION = 2
"""Of the spelling: another one gives other digests for the same source."""


def canonical_syntax(tree: ast.AST) -> str:
    """``tree`` in ASCII: each node as its name with its fields by name, those that are empty left out.

    Positions do not count, nor does the prefix of ``u"text"``. An f-string's text counts, not in how many pieces the
    parser holds it: 3.12 ends some with an empty one.

    Raises:
        TypeError: If the tree holds something that no parser puts there.
    """
    if isinstance(tree, ast.Constant):
        return f"Constant({_literal(tree.value)})"
    fields = []
    for name in sorted(tree._fields):
        value = getattr(tree, name, None)
        if isinstance(tree, ast.JoinedStr):
            value = _joined(tree.values)
        if value is not None and value != []:
            fields.append(f"{name}={_field(value)}")
    return f"{type(tree).__name__}({','.join(fields)})"


def _field(value: object) -> str:
    if isinstance(value, ast.AST):
        return canonical_syntax(value)
    if isinstance(value, list):
        return f"[{','.join(map(_field, value))}]"
    return _literal(value)


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
