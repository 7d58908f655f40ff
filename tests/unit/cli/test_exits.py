"""How the command line leaves: what is missing is told as such, bugs keep their traceback in a file."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.inprocess import run

from recipebuild.verbs import check


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(check, "check", fail)


def test_a_package_that_is_not_installed_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ModuleNotFoundError("No module named 'onnx'", name="onnx"))
    result = run(monkeypatch, ["check", "quickstart"])
    assert result.code == 4
    assert result.err == (
        "error: this needs the Python package onnx, which is not installed\n  pip install '.[build]' in a checkout, "
        "or './recipebuild-VERSION-py3-none-any.whl[build]' with a wheel\n"
    )


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("oops"), ModuleNotFoundError("no", name="recipebuild.nowhere"), ImportError("no")]
)
def test_a_bug_ends_with_1_and_its_traceback_is_in_a_file(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    failing(monkeypatch, error)
    result = run(monkeypatch, ["check", "quickstart"])
    assert result.code == 1 and result.err.startswith(f"error: unexpected {type(error).__name__}")
    file = Path(result.err.partition("the traceback is in ")[2].strip())
    assert type(error).__name__ in file.read_text()
    file.unlink()


LATE = """
import gc, os, signal, sys
from recipebuild.cli.exits import leave
gc.freeze = lambda: os.kill(os.getpid(), signal.SIGINT)
leave(lambda: sys.exit(5))
"""


def test_a_signal_when_all_is_done_ends_the_process_without_a_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_where_there_are_no_boards_the_list_says_how_to_add_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    result = run(monkeypatch, ["board", "list"])
    assert (result.code, result.out) == (0, "")
    assert "recipebuild board add" in result.err
