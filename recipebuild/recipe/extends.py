"""``extends``: the files that a recipe starts from, each read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipebuild.recipe.document import Document, read
from recipebuild.recipe.find import existing, near, shown
from recipebuild.recipe.layers import place
from recipebuild.recipe.problems import FieldPath, Problem, RecipeProblems
from recipebuild.resources import shipped

MAX_FILES = 64


class Chain:
    """Follows ``extends`` from one recipe, and collects what is wrong on the way.

    Args:
        cwd: Files below it are named relative to it in messages.
        bases: Base files that were read already, by real path; those read here are added.
    """

    def __init__(self, cwd: Path, bases: dict[Path, Document]) -> None:
        self.cwd, self.bases = cwd, bases
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self.broken = False

    def follow(self, path: Path) -> list[Document]:
        """The recipe at ``path`` and all its bases, the farthest first.

        Raises:
            RecipeProblems: A file cannot be read, is missing, or extends itself.
        """
        real = path.resolve()
        self._add(read(real, shown(path, self.cwd)), (real,))
        if self.broken:
            flaws = [problem for document in self.documents for problem in document.problems]
            raise RecipeProblems([*self.problems, *flaws])
        return self.documents

    def _add(self, document: Document, trail: tuple[Path, ...]) -> None:
        for at, name in self._names(document):
            base = existing(name, document.path.parent)
            base = base and base.resolve()
            if base is None:
                folders = (document.path.parent, shipped("recipes"))
                self._refuse(document, at, f"there is no recipe {name}", near(name, *folders))
            elif base in trail:
                through = " -> ".join(shown(p, self.cwd) for p in (*trail[trail.index(base) :], base))
                self._refuse(document, at, f"the recipe extends itself: {through}", "take this name out of `extends`")
            elif len(self.documents) + len(trail) >= MAX_FILES:
                self._refuse(document, at, f"more than {MAX_FILES} files", "a chain so long is most likely a mistake")
                return
            elif (below := self._read(base)) is not None:
                self._add(below, (*trail, base))
        self.documents.append(document)

    def _names(self, document: Document) -> list[tuple[FieldPath, str]]:
        """The names in ``extends``, each with its place in the file."""
        value: Any = document.data.get("extends")
        if value is None:
            return []
        if isinstance(value, str):
            return [(("extends",), value)]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return [(("extends", i), item) for i, item in enumerate(value)]
        message = "must be a file name, or a list of file names"
        self._refuse(document, ("extends",), message, "extends: base/segformer.yaml")
        return []

    def _read(self, path: Path) -> Document | None:
        if path not in self.bases:
            try:
                self.bases[path] = read(path, shown(path, self.cwd))
            except RecipeProblems as error:
                self.broken = True
                self.problems.extend(error.problems)
                return None
        return self.bases[path]

    def _refuse(self, document: Document, path: FieldPath, message: str, remedy: str) -> None:
        self.broken = True
        self.problems.append(Problem("extends", message, place([document], path), remedy))
