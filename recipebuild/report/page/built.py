"""A finished build as the report reads it: its manifest, and the files that the manifest names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import RecipeError
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.rewritten import Rewritten
from recipebuild.figures.values import read_figures
from recipebuild.report.units import fed

if TYPE_CHECKING:
    from recipebuild.figures.values import Figures

MANIFEST = "manifest.json"

_LARGEST = 32 << 20
"""Bytes of the largest file that is read."""


@dataclass(frozen=True)
class Built:
    """One entry of a build's matrix; all of the build where it has none.

    Attributes:
        folder: The build folder.
        manifest: Its manifest.
        label: The entry; empty without a matrix.
    """

    folder: Path
    manifest: Mapping[str, Any]
    label: str

    @property
    def title(self) -> str:
        """What it is called: the recipe's name, with the entry's label."""
        name = str(self.manifest["recipe"])
        return f"{name} [{self.label}]" if self.label else name

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        """The manifest's entries of its steps."""
        ids = set(self.manifest["variants"][self.label])
        return [entry for entry in self.manifest["steps"] if entry["id"] in ids]

    @property
    def fed(self) -> str:
        """What its model is fed, in the plural: images, texts or samples."""
        return fed(self.steps)

    def step(self, name: str) -> Mapping[str, Any] | None:
        """The entry of a step; ``None`` if the build has none of that name."""
        return next((entry for entry in self.steps if entry["name"] == name), None)

    def metrics(self, name: str) -> Mapping[str, Any]:
        """The figures of a step; empty if it has none."""
        entry = self.step(name)
        return entry["metrics"] if entry else {}

    def figures(self, kind: type[Figures], name: str) -> Figures | None:
        """The figures of a step, as a type that names them; ``None`` if some are not there."""
        return read_figures(kind, self.metrics(name))

    @property
    def rewritten(self) -> Rewritten | None:
        """What the rewrites did; ``None`` if there were none."""
        return self.figures(Rewritten, "rewrite")

    @property
    def evaluation(self) -> Evaluation | None:
        """Accuracy; ``None`` if it was not measured."""
        return self.figures(Evaluation, "evaluate")

    @property
    def compiled(self) -> Compiled | None:
        """What came of compiling; ``None`` if nothing did."""
        return self.figures(Compiled, "compile")

    @property
    def deployed(self) -> Deployed | None:
        """What was measured on a board; ``None`` if it was on none."""
        return self.figures(Deployed, "deploy")

    def output(self, step: str, name: str) -> bytes | None:
        """What a step wrote under a name; ``None`` if it did not, or if that file is not in the build folder."""
        entry = self.step(step)
        path = next((output["path"] for output in entry["outputs"] if output["name"] == name), None) if entry else None
        return inside(self.folder, self._placed(path)) if path else None

    def json(self, step: str, name: str) -> Any:
        """What a step wrote under a name, as JSON values; ``None`` if it did not."""
        content = self.output(step, name)
        try:
            return None if content is None else json.loads(content)
        except ValueError:
            return None

    def _placed(self, path: str) -> str:
        # A step that some entries of a matrix share lies in the folder of each, and is listed with the first.
        own = f"{self.label}/{path.partition('/')[2]}" if self.label else path
        return own if (self.folder / own).is_file() else path


def builds(manifest: Mapping[str, Any], folder: Path) -> list[Built]:
    """A build's entries, in their order."""
    return [Built(folder, manifest, label) for label in manifest["variants"]]


def read(place: Path) -> list[Built]:
    """The build in a folder, or of a manifest.

    Raises:
        RecipeError: If there is no manifest there, or one that cannot be read.
    """
    path = place / MANIFEST if place.is_dir() else place
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path} cannot be read: {error}", remedy="build it first: recipebuild run RECIPE") from error
    if not is_manifest(value):
        raise RecipeError(f"{path} is not the manifest of a build", remedy="rebuild it: recipebuild run RECIPE")
    return builds(value, path.parent)


def is_manifest(value: Any) -> bool:
    """Whether a JSON value is what ``run`` writes."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind)
        for name, kind in (("recipe", str), ("status", str), ("steps", list), ("variants", dict), ("notes", list))
    )


def inside(folder: Path, path: str) -> bytes | None:
    """The content of a file in a folder; ``None`` if it is not there, lies outside of it, or is very large."""
    file = (folder / path).resolve()
    if folder.resolve() not in file.parents:  # the manifest may come from a stranger
        return None
    try:
        return file.read_bytes() if file.is_file() and file.stat().st_size <= _LARGEST else None
    except OSError:
        return None


def titles(builds: Sequence[Built]) -> list[str]:
    """What builds are called beside each other: by their entry of the matrix if they are of one, else by the recipe.

    Those of one name are told apart by their folders, and by numbers if nothing else helps.
    """
    of_one = len({str(built.folder) for built in builds}) == 1
    named = [built.label if of_one and built.label else built.title for built in builds]
    twice = [named.count(name) > 1 for name in named]
    folders = [built.folder.absolute() for built in builds]
    places = [
        (folder.parent if folder.name == built.manifest["recipe"] else folder).name
        for folder, built in zip(folders, builds, strict=True)
    ]
    named = [f"{name} ({place})" if twin else name for name, place, twin in zip(named, places, twice, strict=True)]
    return [f"{name} ({named[:i].count(name) + 1})" if named.count(name) > 1 else name for i, name in enumerate(named)]
