"""Every error that recipebuild raises on purpose, each tied to an exit code.

    RecipebuildError            1   a bug of ours, or something nobody foresaw
    ├── RecipeError             2   the recipe or the command line is wrong
    ├── StepError               3   a step failed
    ├── MissingError            4   something outside is missing: toolchain, hub, board, a Python extra
    │   └── UnreachableError    4   something outside did not answer; it may the next time
    └── CheckError              5   a check fell short: accuracy, agreement
    Interrupted               130   Ctrl-C or SIGTERM

A message is one line that says what is wrong; ``remedy`` says what the user can do about it. An error about a field of
the recipe has its name as ``field``, and it stands in front of the message.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any, ClassVar

INSTALL = "pip install '.[build]'"
"""Brings the packages that build, in a checkout: the package is on no index."""
INSTALL_ANYWHERE = f"{INSTALL} in a checkout, or './recipebuild-VERSION-py3-none-any.whl[build]' with a wheel"


class RecipebuildError(Exception):
    """The root of the hierarchy.

    Args:
        text: What is wrong, in one line, with the name of the thing that is wrong.
        field: The field of the recipe that is wrong, dotted; empty if it is none.
        remedy: What the user can do about it; may have several lines.
        metrics: Figures that were measured before the failure; they go into the manifest.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, text: str, *, field: str = "", remedy: str = "", metrics: dict[str, Any] | None = None) -> None:
        super().__init__(f"{field}: {text}" if field else text)
        self.text = text
        self.field = field
        self.remedy = remedy
        self.metrics = metrics or {}

    @property
    def message(self) -> str:
        """What people read: the field, if there is one, and the text."""
        return str(self)


class RecipeError(RecipebuildError):
    """The recipe or the command line is wrong."""

    exit_code = 2


class StepError(RecipebuildError):
    """A step failed: its input is bad, or a library or tool refused it."""

    exit_code = 3


class MissingError(RecipebuildError):
    """Something outside recipebuild is missing: a toolchain, the hub, a board, a Python extra."""

    exit_code = 4


class UnreachableError(MissingError):
    """Something outside did not answer, or broke off: trying again may help."""


class CheckError(RecipebuildError):
    """A check fell short. What was built is kept."""

    exit_code = 5


class Interrupted(RecipebuildError):  # noqa: N818 - it names an event, not a fault
    """The user, or the system, asked us to stop."""

    exit_code = 130


KINDS: dict[str, type[RecipebuildError]] = {
    kind.__name__: kind
    for kind in (RecipebuildError, RecipeError, StepError, MissingError, UnreachableError, CheckError, Interrupted)
}
"""By class name: how an error travels from a worker process to the front one."""


def disk_full(error: BaseException, place: Path | str) -> StepError | None:
    """The error to raise in place of ``error`` when it says that the disk is full; ``None`` when it says otherwise.

    Args:
        error: An ``OSError``, or whatever a library made of one.
        place: What could not be written.
    """
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not full and "No space left on device" not in str(error):
        return None
    return StepError(
        f"the disk is full: no space left for {place}",
        remedy=f"make room on the disk that holds {place}, or name another place with --store and --build-dir; "
        "what was built before is kept",
    )


_LONGEST = 200
_NOISE = re.compile(r"\x1b\[[0-9;]*m|(?<=://)[^/@\s]+@")  # colours, and the user and password of an address


def reason(error: BaseException) -> str:
    """The first line of ``error`` that says something, cut at 200 characters; the name of its type if none does.

    A line that ends in a colon is taken together with the next one. Passwords in addresses are left out.
    """
    lines = [" ".join(line.split()) for line in _NOISE.sub("", str(error)).splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        return type(error).__name__
    text = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
