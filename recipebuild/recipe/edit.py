"""A recipe's text with a few values changed, and all else as a person wrote it: comments, order, quotes, blank lines.

Use: ``with_values(text, {"quantization.method": "MSE", "calibration.count": 64})``.

Only the text of the values themselves is replaced; a field that is not there yet gets a line of its own at the end of
its section, and a section that is not there at the end of the file. The result is read again: it says what was asked
for, and nothing else has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from recipebuild.errors import RecipeError
from recipebuild.recipe.emit import on_one_line, to_yaml
from recipebuild.recipe.yamltext import YamlError, parse


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """The recipe ``text`` with other values of fields.

    Args:
        text: A recipe that can be read.
        values: JSON values, by field: a section and a name in it, with a dot between; or a section that is not there.

    Raises:
        RecipeError: If the text is such that it cannot be done this way: where an alias stands for the section, say.
    """
    changed = text
    for field, value in values.items():
        section, _, name = field.partition(".")
        changed = _with_value(changed, section, name, value) if name else _with_section(changed, section, value)
    _check(text, changed, values)
    return changed


def _with_section(text: str, section: str, value: Any) -> str:
    if _child(parse(text)[0], section) is not None:
        raise _refuse(section)
    return f"{text}{_gap(text)}{_flow(section, value)}\n"


def _gap(text: str) -> str:
    """What goes between a text and a section that comes behind it."""
    return "" if not text else "\n" if text.endswith("\n") else "\n\n"


def _with_value(text: str, section: str, name: str, value: Any) -> str:
    root = parse(text)[0]
    inside = _child(root, section)
    if inside is None or _is_empty(inside):
        block = to_yaml({section: {name: value}})
        if inside is not None:  # `section:` with nothing behind it
            return _insert(text, _line_end(text, inside.start_mark.index), block.partition("\n")[2])
        return f"{text}{_gap(text)}{block}"
    if not isinstance(inside, MappingNode):
        raise _refuse(section)
    old = _child(inside, name)
    if old is not None:
        return _replaced(text, inside, old, name, value)
    if inside.flow_style:
        at = inside.end_mark.index - 1
        comma = ", " if inside.value else ""
        return f"{text[:at].rstrip()}{comma}{_flow(name, value)}{text[at:]}"
    indent = " " * inside.value[0][0].start_mark.column
    return _insert(text, _line_end(text, _end(inside.value[-1][1])), _indented(to_yaml({name: value}), indent))


def _replaced(text: str, inside: MappingNode, old: Node, name: str, value: Any) -> str:
    start, end = old.start_mark.index, _end(old)
    if inside.flow_style or not isinstance(old, MappingNode | SequenceNode) or old.flow_style:
        return f"{text[:start]}{on_one_line(value)}{text[end:]}"
    key = next(key for key, node in inside.value if node is old)
    indent = " " * key.start_mark.column
    block = _indented(to_yaml({name: value}), indent).removesuffix("\n")
    return f"{text[: key.start_mark.index - len(indent)]}{block}{text[end:]}"


def _end(node: Node) -> int:
    """Where the text of a node ends: a block's own mark is behind the comments that follow it."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    index: int = node.end_mark.index
    return index


def _child(node: Node | None, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == ""


def _flow(name: str, value: Any) -> str:
    """``name: value`` on one line."""
    return f"{name}: {on_one_line(value)}"


def _indented(block: str, indent: str) -> str:
    return "".join(f"{indent}{line}" for line in block.splitlines(keepends=True))


def _line_end(text: str, index: int) -> int:
    """The start of the line after the one that ``index`` is in; the text's end, if there is none."""
    newline = text.find("\n", index)
    return len(text) if newline < 0 else newline + 1


def _insert(text: str, at: int, block: str) -> str:
    before = text[:at] if not at or text[at - 1] == "\n" else f"{text[:at]}\n"
    return f"{before}{block}{text[at:]}"


def _check(text: str, changed: str, values: Mapping[str, Any]) -> None:
    wanted = parse(text)[1] or {}
    for field, value in values.items():
        section, _, name = field.partition(".")
        wanted = {**wanted, section: {**(wanted.get(section) or {}), name: value} if name else value}
    try:
        actual = parse(changed)[1]
    except YamlError:
        actual = None
    if actual != wanted:
        raise _refuse(" and ".join(values))


def _refuse(what: str) -> RecipeError:
    return RecipeError(f"{what} cannot be changed in this recipe's text", remedy="write the change into it by hand")
