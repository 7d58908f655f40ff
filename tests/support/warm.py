"""The command, in processes that need not import for seconds: they are forked from one that has imported all.

That one is this file, run as a program. It is started for the first command, once in each worker of xdist. What it
forks is a process like any other, with an output, an environment and an exit code of its own. Tests of how a process
starts, or of what else ends it, take a new one: ``Project.new_process`` or ``Project.start``.
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import SimpleNamespace
from unittest import mock

import recipebuild

_HEAVY = (
    "torch", "torchmetrics.functional.classification", "transformers.models.segformer.modeling_segformer",
    "onnx_ir", "onnxscript", "PIL.Image", "jinja2", "rich.console",
)  # fmt: skip
"""What takes long to import. ONNX Runtime is not among it: it starts threads, and a fork has none of them."""

_FORK = multiprocessing.get_context("fork")


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], program: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``recipebuild ARGUMENTS`` in ``folder``, or a Python program, with nothing else in its environment."""
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        what = {"arguments": [*arguments], "program": program and str(program)}
        where = {"folder": str(folder), "environment": {**environment}, "out": str(out), "err": str(err)}
        code = _ask(what | where)
        return subprocess.CompletedProcess(arguments, code, out.read_text("utf-8"), err.read_text("utf-8"))


def _ask(request: dict[str, object]) -> int:
    server = _server()
    assert server.stdin and server.stdout
    try:
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline())
    except BaseException:  # a time limit, Ctrl-C: the next command must not get this one's answer
        _server.cache_clear()
        os.killpg(server.pid, signal.SIGKILL)
        raise


@functools.cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-P", __file__], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONHASHSEED": "0"},  # as workers have it
        start_new_session=True,
    )  # fmt: skip
    atexit.register(server.communicate)
    return server


def _serve() -> None:
    ours = (module.name for module in walk_packages(recipebuild.__path__, "recipebuild."))
    for name in (*_HEAVY, *(name for name in ours if not name.endswith("__main__"))):
        import_module(name)
    gc.freeze()  # what a fork looked through for garbage would be copied first
    for line in sys.stdin:
        process = _FORK.Process(target=_command, kwargs=json.loads(line))
        process.start()
        process.join()
        sys.stdout.write(f"{process.exitcode}\n")
        sys.stdout.flush()


def _command(
    arguments: list[str], program: str | None, folder: str, environment: dict[str, str], out: str, err: str
) -> None:
    from recipebuild.cli.app import main
    from recipebuild.engine import pool

    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program or "recipebuild", *arguments]
    forking = SimpleNamespace(PIPE=subprocess.PIPE, Popen=_Worker, TimeoutExpired=subprocess.TimeoutExpired)
    with mock.patch.object(pool, "subprocess", forking):
        if program:
            runpy.run_path(program, run_name="__main__")
        else:
            main()


class _Worker:
    """A worker of the engine, forked from the command: what the pool knows of ``Popen``."""

    def __init__(self, *_: object, **__: object) -> None:
        requests, to = os.pipe()
        back, replies = os.pipe()
        self._process = _FORK.Process(target=_work, args=(requests, replies))
        self._process.start()
        assert self._process.pid
        # Whoever is first: a group that is killed before the worker has made it would not end.
        os.setpgid(self._process.pid, self._process.pid)
        os.close(requests)
        os.close(replies)
        self.stdin, self.stdout = os.fdopen(to, "wb"), os.fdopen(back, "rb")

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self._process.exitcode


def _work(requests: int, replies: int) -> None:
    from recipebuild.engine import worker

    os.setpgid(0, 0)
    os.dup2(requests, 0)
    os.dup2(replies, 1)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # what the command has open: locks among it
    os.environ["PYTHONHASHSEED"] = "0"
    worker.main()


if __name__ == "__main__":
    _serve()
