"""The command, run in the tests' own process: for tables of many command lines."""

from __future__ import annotations

import gc
import io
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from recipebuild.cli.app import main


@dataclass(frozen=True)
class CommandResult:
    """What the command said, and the code with which it left."""

    code: int
    out: str
    err: str


def run(monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], answers: str = "") -> CommandResult:
    """Run ``recipebuild ARGUMENTS`` in the current folder; ``answers`` is its standard input."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threshold = gc.get_threshold()
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["recipebuild", *arguments])
        patch.setattr(sys, "stdin", io.StringIO(answers))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setenv("COLUMNS", "200")
        patch.setenv("TERM", "dumb")
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            gc.set_threshold(*threshold)
            for number, handler in kept.items():
                signal.signal(number, handler)
    return CommandResult(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())
