"""One YAML file of a recipe: read with care, and able to say where each of its values was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from recipebuild.recipe.paths import absolute
from recipebuild.recipe.problems import FieldPath, Place, Problem, RecipeProblems, shorten
from recipebuild.recipe.yamltext import YamlError, parse

MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Document:
    """A file's values (its paths made absolute), and what is wrong with the file itself."""

    path: Path
    origin: str
    text: str
    root: MappingNode
    data: dict[str, Any]
    problems: tuple[Problem, ...]

    def locate(self, path: FieldPath, *, key: bool = False) -> Place | None:
        """Where the value at ``path`` was written, or its key; ``None`` if this file does not say it."""
        name: Node = self.root
        node: Node = self.root
        for part in path:
            child = _child(node, part)
            if child is None:
                return None
            name, node = child
        mark = (name if key else node).start_mark
        written = self.text[node.start_mark.index : node.end_mark.index]
        return at(self.origin, self.text, mark.line + 1, mark.column + 1, shorten(written))


def _child(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """The key and the value (of a list: twice the item) that ``part`` names in a mapping or list."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def at(origin: str, text: str, line: int, column: int, written: str = "") -> Place:
    """The place in a file's text."""
    lines = text.split("\n")
    return Place(origin, line, column, lines[line - 1].rstrip("\r") if line <= len(lines) else "", written)


def read(path: Path, origin: str) -> Document:
    """Read a recipe file; ``origin`` is what to call it in messages.

    Raises:
        RecipeProblems: It cannot be read, is not UTF-8, larger than 1 MiB, not YAML, or not a mapping.
    """
    text = _text(path, origin)
    try:
        root, data, flaws = parse(text)
    except YamlError as error:
        raise RecipeProblems([_problem(error, origin, text)]) from None
    if not isinstance(root, MappingNode):
        what = (
            "is empty" if data is None else "has a list at the top" if isinstance(data, list) else "is a single value"
        )
        place = at(origin, text, root.start_mark.line + 1, root.start_mark.column + 1) if root else Place(origin, 1, 1)
        remedy = "a recipe is a mapping of fields: model, input, calibration ..."
        raise RecipeProblems([Problem("", f"the file {what}", place, remedy)])
    problems = tuple(_problem(flaw, origin, text) for flaw in flaws)
    return Document(path, origin, text, root, absolute(data, path.parent), problems)


def _problem(error: YamlError, origin: str, text: str) -> Problem:
    return Problem(error.field, error.text, at(origin, text, error.line, error.column), error.remedy)


def _text(path: Path, origin: str) -> str:
    def refuse(message: str, line: int = 0, column: int = 0) -> RecipeProblems:
        return RecipeProblems([Problem("", message, Place(origin, line, column))])

    try:
        if not path.is_file():
            raise refuse("is a folder, not a recipe file" if path.is_dir() else "no such recipe file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise refuse("larger than 1 MiB: this is not a recipe")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise refuse(f"not UTF-8 text: byte 0x{content[error.start]:02X}", line, column) from None
