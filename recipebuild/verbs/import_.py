"""``import``: a Pulsar2 configuration becomes a recipe, and what is wrong with it is told."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recipebuild.errors import RecipeError
from recipebuild.files import write_text
from recipebuild.recipe.emit import to_yaml
from recipebuild.recipe.paths import absolute
from recipebuild.recipe.schema import Recipe
from recipebuild.session import Options
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.config.read import read
from recipebuild.toolkit.pulsar2.facts import facts
from recipebuild.toolkit.pulsar2.importing import imported
from recipebuild.toolkit.pulsar2.mistakes import Mistake, mistakes
from recipebuild.toolkit.pulsar2.same import same
from recipebuild.toolkit.pulsar2.settled import paths
from recipebuild.verbs.render import render_recipe

_BY_THE_BUILDER = ("output_dir", "output_name", "work_dir")
"""Fields of a configuration that a build sets by itself; ``input`` becomes ``model.source``."""


@dataclass(frozen=True)
class ImportedRecipe:
    """A recipe made of a configuration.

    Attributes:
        text: The recipe file.
        missing: What to fill in: by field, why it could not be known.
        undocumented: Fields outside the documented schema; they are passed through.
        notes: What was taken other than as it is written.
        mistakes: What the tool would have accepted in silence.
    """

    text: str
    missing: Mapping[str, str]
    undocumented: list[str]
    notes: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What ``import --json`` prints."""
        mistakes = [
            {"code": m.code, "kind": m.kind, "field": m.field, "message": m.message, "remedy": m.remedy}
            for m in self.mistakes
        ]
        return {
            "recipe": self.text, "fill_in": dict(self.missing), "undocumented": self.undocumented,
            "notes": self.notes, "mistakes": mistakes,
        }  # fmt: skip


def import_config(config: Path, model: Path | None = None, target: Path | None = None) -> ImportedRecipe:
    """Make a recipe of the configuration at ``config``, and write it to ``target`` if there is one.

    Raises:
        RecipeError: If the configuration is not valid, or ``target`` is there already.
        StepError: If ``model`` is no ONNX file.
    """
    if target and target.exists():
        raise RecipeError(f"{target} is there already", remedy="remove it, or write to another file with -o")
    original = read(config, mend=True)
    archives = [input_config.calibration_dataset for input_config in original.config.quant.input_configs]
    known = facts(model, archives, config.parent)
    folder = (target or Path("recipe.yaml")).absolute().parent
    source = _seen_from(folder, model) if model else None
    made = imported(original, known, source, lambda values: _render(values, folder))
    result = _render(made.values, folder)
    if not same(result, original.config):
        raise AssertionError("the recipe does not render to the imported configuration")
    text = _text(config, made.values, made.missing)
    if target:
        try:
            write_text(target, text)
        except OSError as error:
            raise RecipeError(f"{target} cannot be written: {error.strerror}") from None
    return ImportedRecipe(
        text,
        made.missing,
        paths(original.unknown),
        [*original.notes, *_decided(original.written), *_replaced(original.written, model)],
        mistakes(original.config, known),
    )


def _seen_from(folder: Path, model: Path) -> str:
    path = os.path.relpath(model.absolute(), folder)
    return path if path.startswith("..") else f"./{path}"


def _decided(written: Collection[str]) -> list[str]:
    """That the builder decides what the file has at the top, and the recipe leaves it out."""
    return [f"{name} is decided by the builder, and is left out" for name in _BY_THE_BUILDER if name in written]


def _replaced(written: Collection[str], model: Path | None) -> list[str]:
    """That the model that was named goes before the configuration's own."""
    return [f"input is left out: the model is {model}"] if model and "input" in written else []


def _render(values: Mapping[str, Any], folder: Path) -> BuildConfig:
    """The configuration of a recipe that is not written yet."""
    data = absolute({"name": "imported", **values}, folder)
    source = data["model"]["source"]
    data = {**data, "model": {**data["model"], "source": source if source.startswith("/") else f"{folder}/{source}"}}
    try:
        return render_recipe(Recipe.model_validate(data), Options()).config
    except ValidationError as error:
        location = [str(part) for part in error.errors()[0]["loc"] if isinstance(part, str)]
        raise ValueError(".".join(location[:2])) from None


def _text(config: Path, values: Mapping[str, Any], missing: Mapping[str, str]) -> str:
    head = f"# Made of {config.name} by recipebuild import.\n"
    comments = dict.fromkeys(missing, "fill in")
    return head + to_yaml(values, comments)
