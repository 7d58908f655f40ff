"""Loading a recipe: ``load("recipes/b0-cityscapes.yaml", cwd=Path.cwd())`` -> one ``Variant`` per entry of its matrix.

    find -> read, with its bases -> merge -> matrix -> --set -> validate -> are the files that it names there?

Positions are looked up only when something is wrong, and then all problems are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recipebuild.recipe.board import contradictions, for_runner
from recipebuild.recipe.document import Document
from recipebuild.recipe.extends import Chain
from recipebuild.recipe.find import find
from recipebuild.recipe.layers import RecipeLayer, merged, place
from recipebuild.recipe.matrix import choices
from recipebuild.recipe.paths import missing, missing_tensors
from recipebuild.recipe.problems import Place, Problem, RecipeProblems, printable
from recipebuild.recipe.schema import Recipe
from recipebuild.recipe.section import NAME
from recipebuild.recipe.settings import Setting, setting

_INPUTS = ("inputs", "more_inputs", "input")
"""Where a recipe may describe what a model takes."""


@dataclass(frozen=True)
class Variant:
    """One build of a recipe.

    Attributes:
        recipe: Complete and valid; its paths are absolute.
        label: Which entry of the matrix it is, such as ``npu_mode=NPU1,method=MSE``; empty without a matrix.
    """

    recipe: Recipe
    label: str
    _layers: tuple[RecipeLayer, ...] = field(default=(), repr=False, compare=False)

    def place(self, field: str) -> Place | None:
        """Where the value of ``field`` (dotted) was written; ``None`` if it is the default."""
        path = tuple(field.split("."))
        paths = [path, *([(other,) for other in _INPUTS if other != path[0]] if path[0] in _INPUTS else [])]
        places = (layer.locate(each) for each in paths for layer in reversed(self._layers))
        return next((place for place in places if place), None)


def load(
    name_or_path: str,
    *,
    sets: Sequence[str] = (),
    cwd: Path,
    bases: dict[Path, Document] | None = None,
    files: bool = True,
) -> list[Variant]:
    """Load a recipe.

    Args:
        name_or_path: A path (relative to ``cwd``), or the name of a shipped recipe.
        sets: ``a.b=value`` options, which win over the files and the matrix; paths in them are relative to ``cwd``.
        cwd: The current folder, absolute.
        bases: Give the same dict to many calls, and the bases that the recipes share are read once.
        files: Find that the files that it names are there.

    Raises:
        RecipeProblems: All that is wrong with the recipe, the options, and the files that it names.
    """
    path = find(name_or_path, cwd)
    all_problems: list[Problem] = []
    settings = _settings(sets, cwd, all_problems)
    try:
        written = Chain(cwd, {} if bases is None else bases).follow(path)
    except RecipeProblems as error:
        raise RecipeProblems([*error.problems, *all_problems]) from None
    all_problems.extend(problem for file in written for problem in file.problems)
    matrix = merged([*written, *settings]).get("matrix")
    entries, faults = choices(matrix, [*written, *settings], settings)
    all_problems.extend(faults)
    name = _name(written[-1], settings, path, all_problems)
    variants = []
    for entry in entries or choices(None, (), ())[0]:
        layers: list[RecipeLayer] = [*written, entry, *settings]
        data = {**merged(layers), "name": name}
        data.pop("matrix", None)
        data.pop("extends", None)
        data = for_runner(data)
        try:
            variants.append(Variant(Recipe.model_validate(data), entry.label, tuple(layers)))
            all_problems.extend(
                Problem(".".join(f), what, place(layers, f), fix)
                for f, what, fix in contradictions(variants[-1].recipe)
            )
        except ValidationError as error:
            from recipebuild.recipe.wording import problems

            all_problems.extend(problems(error, layers, data))
        if files:
            all_problems.extend(_absent(data, layers))
    if all_problems:
        raise RecipeProblems(all_problems)
    return variants


def _settings(sets: Sequence[str], cwd: Path, all_problems: list[Problem]) -> list[Setting]:
    """The options that can be read; what is wrong with the others goes to ``all_problems``."""
    settings = []
    for option in sets:
        try:
            settings.append(setting(option, cwd))
        except RecipeProblems as error:
            all_problems.extend(error.problems)
    return settings


def _name(recipe: Document, settings: Sequence[Setting], path: Path, all_problems: list[Problem]) -> Any:
    """The name of the build: what the recipe says itself (its bases do not count), else what its file is called."""
    own: list[RecipeLayer] = [recipe, *settings]
    names = [name for layer in own if (name := layer.data.get("name")) is not None]
    if names:
        return names[-1]
    if re.fullmatch(NAME, path.stem):
        return path.stem
    remedy = "give the recipe a name of letters, digits, `_`, `-`, such as `name: my-model`"
    message = f"what the file is called, `{printable(path.stem)}`, cannot be the name of a build"
    all_problems.append(Problem("name", message, place([recipe], ()), remedy))
    return "recipe"


def _absent(data: dict[str, Any], layers: Sequence[RecipeLayer]) -> list[Problem]:
    """Files and folders that the recipe names and that are not there."""
    absent = (*missing(data), *missing_tensors(data))
    return [Problem(".".join(map(str, field)), what, place(layers, field), remedy) for field, what, remedy in absent]
