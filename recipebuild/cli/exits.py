"""What the command line says, and the code with which it leaves."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from recipebuild.errors import INSTALL_ANYWHERE, Interrupted, MissingError, RecipebuildError

if TYPE_CHECKING:
    from recipebuild.recipe.problems import Place, Problem


def leave(command: Callable[[], object]) -> NoReturn:
    """Run the command line and leave with its exit code. No traceback reaches the screen."""
    gc.set_threshold(50_000)  # most of what is made lives to the end: looking for garbage took a fifth of a cached run
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
    try:
        _interruptible(command)  # leaves by SystemExit, with 2 where the command line itself is wrong
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer makes that an exit code of 1
            _hang_up()
        raise
    except RecipebuildError as error:
        say_error(error)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if (error.name or "recipebuild").startswith("recipebuild"):
            _tell_bug(error)
        say(f"error: this needs the Python package {error.name}, which is not installed")
        say(f"  {INSTALL_ANYWHERE}")
        sys.exit(MissingError.exit_code)
    except BrokenPipeError:
        _hang_up()
    except Exception as error:  # a bug: the traceback goes to a file
        _tell_bug(error)
    finally:
        # Python would look for garbage among all that is left, on its way out: a sixth of a cached run. But of what
        # onnxsim leaves, nanobind would complain.
        if "onnxsim" not in sys.modules:
            gc.freeze()
    sys.exit(0)


def _interruptible(command: Callable[[], object]) -> None:
    """Run the command; Ctrl-C and SIGTERM raise Interrupted in it. When it has ended, they end the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        command()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # there is nothing left that would hear an exception


def _hang_up() -> NoReturn:
    """Leave as whoever read our output has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def in_actions() -> bool:
    """Whether GitHub Actions runs us."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def say(text: str) -> None:
    """Talk: a line on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command line's voice


def print_json(values: Sequence[object]) -> None:
    """Print values as JSON on standard output: one by itself, several as a list."""
    value = values[0] if len(values) == 1 else list(values)
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201 - same


def say_error(error: RecipebuildError, where: str = "", place: Place | None = None) -> None:
    """Say what is wrong and what to do about it; in GitHub Actions mark the lines that are wrong, too.

    Args:
        error: What is wrong.
        where: What was being done, such as ``mine: export: ``.
        place: Where the recipe says what is wrong.
    """
    problems = getattr(error, "problems", ())
    if in_actions() and not problems:
        from recipebuild.cli.lines import annotation

        title = where.rstrip(": ")
        if place and place.line:
            say(annotation(error.message, title=title, file=place.origin, line=place.line, column=place.column))
        else:
            say(annotation(error.message, title=title))
    mark(problems)
    say(f"error: {where}{f'{place}: ' if place else ''}{error.message}")
    for line in error.remedy.splitlines():
        say(f"  {line}")


def _tell_bug(error: Exception) -> NoReturn:
    say(f"error: unexpected {type(error).__name__}: {error}".splitlines()[0])
    say(f"  this is a bug; the traceback is in {_keep_traceback()}")
    sys.exit(RecipebuildError.exit_code)


def mark(problems: Iterable[Problem]) -> None:
    """In GitHub Actions, mark the lines of recipes that are wrong."""
    if not in_actions():
        return
    from recipebuild.cli.lines import annotation

    for problem in problems:
        at, text = problem.place, ": ".join(filter(None, (problem.field, problem.message)))
        say(annotation(text, file=at.origin if at.line else "", line=at.line, column=at.column))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted("interrupted")


def _keep_traceback() -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="recipebuild-", suffix=".log", delete=False) as file:
        file.write(traceback.format_exc())
    return Path(file.name)
