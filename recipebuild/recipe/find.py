"""Finding the recipe that the user means: a path, or the name of a shipped one."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from recipebuild.recipe.fields import closest
from recipebuild.recipe.problems import Place, Problem, RecipeProblems, printable
from recipebuild.resources import shipped


def find(name: str, cwd: Path) -> Path:
    """The file of the recipe ``name``: a path (with or without ``.yaml``), else a shipped recipe.

    Raises:
        RecipeProblems: There is no such recipe; the nearest names are in the message.
    """
    path = existing(name, cwd)
    if path and path.suffix != ".onnx":
        return path
    message, remedy = "there is no such recipe", ""
    with contextlib.suppress(OSError):
        if path or (cwd / name / "config.json").is_file():
            message, remedy = "is a model, not a recipe", _draft(name)
        else:
            if (cwd / name).is_dir():
                message = "is a folder, not a recipe file"
            remedy = near(name, (cwd / name).parent, shipped("recipes"))
            if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not (cwd / name).parent.exists():
                remedy += f"\nfor a model of the Hugging Face hub, {_draft(name)}"
    raise RecipeProblems([Problem("", message, Place(printable(name) or "''"), remedy)])


def _draft(model: str) -> str:
    return f"`recipebuild new {printable(model)} -o mine.yaml` drafts a recipe"


def existing(name: str, folder: Path) -> Path | None:
    """The file that ``name`` means, with or without ``.yaml``: in ``folder``, else among the shipped recipes."""
    for place in (folder, None):
        here = place or shipped("recipes")
        for path in (here / name, here / f"{name}.yaml"):
            with contextlib.suppress(OSError):  # a name that no file can have, a folder that we may not enter
                if path.is_file():
                    return path
    return None


def near(name: str, *folders: Path) -> str:
    """Words on the recipes in ``folders`` whose names are nearest to ``name``; the last folder is searched in depth."""
    *flat, deep = folders
    files = {p.name: p.name for folder in flat if folder.is_dir() for p in folder.glob("*.y*ml")}
    ours = {str(p.relative_to(deep).with_suffix("")): p.name for p in deep.rglob("*.yaml")}
    names = [*files, *ours]
    asked = Path(name).name
    match = closest(name, names) or closest(asked, names) or closest(f"{asked}.yaml", names)
    known = "`recipebuild models` lists the shipped recipes"
    return "\n".join(filter(None, (f"did you mean {match}?" if match else "", known)))


def shown(path: Path, cwd: Path) -> str:
    """What to call a file in messages: its path from ``cwd`` if it is below it."""
    for folder in (cwd, cwd.resolve()):
        if str(path).startswith(f"{folder}/"):
            return printable(str(path)[len(str(folder)) + 1 :])
    return printable(str(path))
