"""``--set a.b=value``: one value on top of the files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.recipe.paths import absolute
from recipebuild.recipe.problems import FieldPath, Place, Problem, RecipeProblems, printable, shorten
from recipebuild.recipe.yamltext import YamlError, parse

_FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class Setting:
    """A parsed ``--set``."""

    data: dict[str, Any]
    origin: str
    written: str

    def locate(self, path: FieldPath, *, key: bool = False) -> Place | None:
        """The whole option, if it sets the value at ``path``."""
        value: Any = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        is_item = bool(path) and isinstance(path[-1], int)
        return Place(self.origin, written=str(value) if is_item else self.written) if path else None


def setting(option: str, cwd: Path) -> Setting:
    """Parse ``a.b=value``; the value is YAML, and a path in it is relative to ``cwd``.

    Raises:
        RecipeProblems: There is no ``=``, the left side is no field, or the value is not YAML.
    """
    origin = f"--set {printable(option)}"

    def refuse(message: str, remedy: str, field: str = "") -> RecipeProblems:
        return RecipeProblems([Problem(field, message, Place(origin), remedy)])

    field, equals, text = option.partition("=")
    field = field.strip()
    if not equals or not _FIELD.fullmatch(field):
        raise refuse("not of the form field=value", "for example: --set input.shape=[1,3,512,1024]")
    if field.partition(".")[0] == "extends":
        raise refuse("only a file can say what it extends", "write a recipe with that `extends`", "extends")
    try:
        _, value, flaws = parse(text)
    except YamlError as error:
        raise refuse(error.text, error.remedy, field) from None
    if flaws:
        raise refuse(f"{flaws[0].field} is given twice", "keep one of them", field)
    # An axis of the matrix is a dotted field itself.
    parts = field.split(".") if not field.startswith("matrix.") else field.split(".", 1)
    for part in reversed(parts):
        value = {part: value}
    return Setting(absolute(value, cwd), origin, shorten(text.strip()))
