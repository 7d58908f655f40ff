"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from recipebuild.cli import complete
from recipebuild.errors import RecipeError


def _local(store: str | None) -> str | None:
    if store and "://" in store:
        raise RecipeError(f"--store {store}: this is for the store of this machine", remedy="name a folder")
    return store


Recipes = Annotated[
    list[str],
    typer.Argument(
        metavar="RECIPE", help="Paths of recipes, or names of shipped recipes.", autocompletion=complete.recipes
    ),
]
Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="The path of a recipe, or the name of a shipped recipe.", autocompletion=complete.recipes
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "-j", "--jobs", min=1, metavar="N", help="Run at most N steps at once. Defaults to what cores and memory allow."
    ),
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="After a failure, keep building steps that do not depend on it.")
]
Locked = Annotated[bool, typer.Option("--locked", help="Fail if anything differs from the recipes' lock files.")]
FailOnRegression = Annotated[
    bool,
    typer.Option(
        "--fail-on-regression", help="Exit with 5 if a build is worse than its accepted figures, or was not measured."
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="A.B=VALUE", help="Override a value of the recipe. Can be repeated.",
        autocompletion=complete.settings,
    ),
]  # fmt: skip
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="pretrained|random", help="Short for --set model.weights=...", autocompletion=complete.weights
    ),
]
Toolchain = Annotated[
    str | None,
    typer.Option(
        metavar="auto|pulsar2|onnxruntime", help="Short for --set target.toolchain=...",
        autocompletion=complete.toolchains,
    ),
]  # fmt: skip
Store = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|URL",
        help="The store of cached results. Defaults to $XDG_CACHE_HOME/recipebuild. With a URL (s3://, gs://, "
        "sftp://, file://), results are also fetched from and pushed to that remote store.",
    ),
]
LocalStore = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="DIR", help="The store of cached results. Defaults to $XDG_CACHE_HOME/recipebuild.",
        callback=_local,
    ),
]  # fmt: skip
Executor = Annotated[
    str,
    typer.Option(metavar="local|dask|tcp://HOST:PORT", help="Run steps on this machine or on a Dask cluster."),
]
BuildDir = Annotated[Path, typer.Option(metavar="DIR", help="Write each recipe's build to a folder below this one.")]
Templates = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A folder of Jinja templates that override the shipped ones.", exists=True),
]
Slots = Annotated[
    list[str] | None,
    typer.Option(
        "--slots", metavar="NAME=N", help="Let this many steps use a scarce resource at once, such as pulsar2=2."
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",  # typer 0.27 takes a metavar that is the parameter's name in capitals for the option's name
        metavar="DEVICE",
        help="Measure accuracy on cpu, cuda, cuda:1 or auto: a GPU where one can be used. Not calibration.",
    ),
]
Timeout = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop any step that runs longer than this, such as 90m or 6h.")
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="STEP", help="Build only this step and the steps that it needs.", autocompletion=complete.steps
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print only warnings and errors.")]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Print every event on its own line, and all tables at the end.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]


def merged_sets(sets: list[str] | None, weights: str | None, toolchain: str | None) -> list[str]:
    """``--set`` values, with those of the short options after them."""
    more = [("model.weights", weights), ("target.toolchain", toolchain)]
    return [*(sets or []), *(f"{path}={value}" for path, value in more if value is not None)]


_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def bytes_of(option: str, text: str) -> int:
    """A size such as ``20GB`` or ``500MiB``, given for ``option``, in bytes.

    Raises:
        RecipeError: If it is not one.
    """
    return int(_measure(option, text, _BYTES, "a size such as 20GB or 500MB"))


def seconds_of(option: str, text: str) -> float:
    """A time span such as ``30d`` or ``12h``, given for ``option``, in seconds.

    Raises:
        RecipeError: If it is not one.
    """
    return _measure(option, text, _SECONDS, "a time span such as 30d or 12h")


def slots_of(texts: list[str] | None) -> dict[str, int]:
    """Values such as ``pulsar2=2`` as numbers by name.

    Raises:
        RecipeError: If one is not of that form.
    """
    slots = {}
    for text in texts or ():
        matched = re.fullmatch(r"([a-z0-9_-]+)=([1-9]\d{0,3})", text)
        if not matched:
            raise RecipeError(f"--slots {text}: not of the form name=number", remedy="for example: --slots pulsar2=2")
        slots[matched[1]] = int(matched[2])
    return slots


def _measure(option: str, text: str, units: dict[str, int], wanted: str) -> float:
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text.strip())
    if not matched or matched[2] not in units:
        raise RecipeError(f"{option} {text}: not {wanted}", remedy=f"units are {', '.join(units)}")
    return float(matched[1]) * units[matched[2]]
