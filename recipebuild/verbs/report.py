"""Pages about builds that are there: ``write(["quickstart"], Path("build"))`` -> ``build/quickstart/report.html``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from recipebuild.errors import RecipeError
from recipebuild.files import write_text
from recipebuild.report.page.built import MANIFEST, Built, read
from recipebuild.report.page.compare import comparison
from recipebuild.report.page.make import report
from recipebuild.report.page.written import available, report_name

COMPARISON = "comparison.html"


def write(places: Sequence[str], build_dir: Path, output: Path | None = None) -> tuple[Path, list[str]]:
    """Write the report of one build, or the comparison of several.

    Args:
        places: Build folders, manifests, or names of builds in ``build_dir``.
        build_dir: Where builds are looked for by name, and where the comparison goes.
        output: The file, if it is not to be ``report.html`` in the build folder, or ``comparison.html``.

    Returns:
        Where it is, and what should be told about it.

    Raises:
        RecipeError: If something is no build, or the file cannot be written.
    """
    entries = [built for name in places for built in find(name, build_dir)]
    one = len({built.folder for built in entries}) == 1
    folder = entries[0].folder
    path = output or (folder / report_name(entries[0].manifest) if one else build_dir / COMPARISON)
    away = Path(os.path.relpath(folder.absolute(), path.parent.absolute())).as_posix()
    text = report(entries[0].manifest, folder, "" if away == "." else f"{away}/") if one else comparison(entries)
    try:
        write_text(path, text)
    except OSError as error:
        raise RecipeError(
            f"{path} cannot be written: {error.strerror}", remedy="choose another file with -o"
        ) from error
    notes = [] if available() else ["warning: RB508 no charts, only tables: pip install '.[report]' in a checkout"]
    return path, notes


def find(name: str, build_dir: Path) -> list[Built]:
    """The entries of a build, by its folder, its manifest, its name, or the recipe that it was made of.

    Raises:
        RecipeError: If there is none.
    """
    for place in (Path(name), build_dir / name, build_dir / Path(name).stem):
        if (place.is_dir() and (place / MANIFEST).is_file()) or (place.is_file() and place.suffix == ".json"):
            return read(place)
    raise RecipeError(
        f"{name}: no build of that name",
        remedy=f"name a build folder, or build it first: recipebuild run {name}; builds are looked for in {build_dir}/",
    )
