"""Licence files (``*.v2c``), which a Pulsar2 that is not lite must find in its place before a build.

Without one a build ends with "Sentinel key not found (H0007)" at its last stage, after all the work. An image has its
own in ``/root``, a package in ``install/``; the tool reads ``~/.hasplm/installed/32434``, and nothing puts them there.
They go nowhere else. [GitHub AXERA-TECH/Magnetar, docker_util.py and issues/013]
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from recipebuild.errors import MissingError

MOUNTED = "/licences"
"""Where a container sees those of this machine's user."""

_NONE = 78
"""The exit status of the script where there is no licence file."""

_PLACE = ".hasplm/installed/32434"

REMEDY = f"put the one that came with Pulsar2 into ~/{_PLACE}, or take an image whose tag ends with -lite"


def own() -> Path | None:
    """The folder of the user's own licence files, if there are some."""
    folder = Path.home() / _PLACE
    return folder if any(folder.glob("*.v2c")) else None


def needs_one(version: str) -> bool:
    """Whether a version (``7.0``, ``7.0-patch1``, ``7.0-lite``) needs a licence file: from 7.0 on, unless lite."""
    major = re.match(r"\d+", version)
    return major is not None and int(major[0]) >= 7 and "-lite" not in version


def script(version: str) -> str:
    """What a shell in a container does: put licence files in place, then run ``pulsar2`` with its own arguments.

    The 7.0 image's entry point is a shell without ``pulsar2`` on its PATH, so both are named.
    """
    place = f'"$HOME/{_PLACE}"'
    check = f"ls {place}/*.v2c >/dev/null 2>&1 || exit {_NONE}; " if needs_one(version) else ""
    return (
        f"mkdir -p {place}; cp /root/*.v2c {MOUNTED}/*.v2c {place}/ 2>/dev/null; {check}"
        'PATH="/usr/local/bin/.venv/bin:/opt/pulsar2:$PATH"; exec pulsar2 "$@"'
    )


def check(status: int, version: str) -> None:
    """Find that the script did not end for want of a licence file.

    Raises:
        MissingError: If it did.
    """
    if status == _NONE and needs_one(version):
        raise MissingError(
            f"Pulsar2 {version} has no licence file (*.v2c), without which it fails with H0007 at the last stage",
            remedy=REMEDY,
        )


def put_in_place(program: Path) -> None:
    """Copy the licence files of the package that ``program`` belongs to, unless the user has some.

    Args:
        program: The ``pulsar2`` on PATH.
    """
    if own() is not None:
        return
    for file in shipped_with(program):
        place = Path.home() / _PLACE
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place / file.name)


def shipped_with(program: Path) -> list[Path]:
    """The licence files of the package that ``program``, the ``pulsar2`` on PATH, belongs to."""
    return [file for folder in program.resolve().parents[:3] for file in sorted((folder / "install").glob("*.v2c"))]
