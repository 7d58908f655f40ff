"""The command, in processes that need not import for seconds: they are forked from one that has imported all.

That one is ``warm_server.py``, run as a program: one for all workers of xdist, started by the first that has a command
to run, and gone with the last of them. What it forks is a process like any other, with an output, an environment and an
exit code of its own. Tests of how a process starts take a new one: ``Project.new_process`` or ``Project.start``.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO

from recipebuild.engine import worker

_SERVER = Path(__file__).with_name("warm_server.py")
_SESSION = f"{_SERVER} {os.environ.get('PYTEST_XDIST_TESTRUNUID') or os.getpid()}"
_ADDRESS = f"\0recipebuild-{hashlib.sha256(_SESSION.encode()).hexdigest()[:16]}"
"""Where the server of this session of pytest listens: a name that goes with the process, and is no file."""


class Forked:
    """A command that runs: what tests use of ``Popen``.

    Attributes:
        pid: Its process, which leads a group of its own.
        stdout: What it writes, as ``Popen`` has it, if nothing else was given for that.
        stderr: The same.
        returncode: Its exit code, once it has ended.
    """

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], program: Path | None = None,
        stdin: int | None = None, out: int | None = None, err: int | None = None,
    ) -> None:  # fmt: skip
        self.args = [*arguments]
        self.returncode: int | None = None
        self.stdout: IO[str] | None
        self.stderr: IO[str] | None
        self.stdout, out_end = (None, out) if out is not None else _pipe()
        self.stderr, err_end = (None, err) if err is not None else _pipe()
        what = {"arguments": self.args, "program": program and str(program)}
        where = {"folder": str(folder), "environment": {**environment}}
        _lease()
        self._server = _connected()
        with Path(os.devnull).open() as nothing:
            files = [nothing.fileno() if stdin is None else stdin, out_end, err_end]
            socket.send_fds(self._server, [json.dumps(what | where).encode()], files)
        if out is None:
            os.close(out_end)
        if err is None:
            os.close(err_end)
        self.pid = int(self._server.recv(64))

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._server.recv(64))
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired, BlockingIOError):
            self.wait(0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; what it has written."""
        texts = ["", ""]

        def read(number: int, file: IO[str] | None) -> None:
            texts[number] = file.read() if file else ""

        readers = [
            threading.Thread(target=read, args=pair, daemon=True) for pair in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        """Send the process a signal, as Ctrl-C in a shell does to the front process."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """End it with all that it started, if it runs."""
        self._server.close()


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], program: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``recipebuild ARGUMENTS`` in ``folder``, or a Python program, with nothing else in its environment."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = Forked(arguments, folder, environment, program, out=out.fileno(), err=err.fileno())
        with contextlib.closing(process):  # a time limit, Ctrl-C
            code = process.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


class Worker:
    """A worker of an engine that runs in the tests' own process: what the pool knows of ``Popen``."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], **_: object) -> None:
        requests, to = os.pipe()
        back, replies = os.pipe()
        self._process = Forked([], Path.cwd(), env, Path(worker.__file__), requests, replies, 2)
        os.close(requests)
        os.close(replies)
        self.pid, self.poll, self.wait = self._process.pid, self._process.poll, self._process.wait
        self.stdin, self.stdout = os.fdopen(to, "wb"), os.fdopen(back, "rb")


def processes(worker: type) -> SimpleNamespace:
    """What stands in for the module ``subprocess`` of the pool, so that its workers are of this kind."""
    return SimpleNamespace(PIPE=subprocess.PIPE, Popen=worker, TimeoutExpired=subprocess.TimeoutExpired)


def _pipe() -> tuple[IO[str], int]:
    read, write = os.pipe()
    return os.fdopen(read), write


@functools.cache
def _lease() -> socket.socket:
    """A connection for as long as this process lives: the server stays for those that have one."""
    return _connected()


def _connected() -> socket.socket:
    server: subprocess.Popen[bytes] | None = None
    while True:
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            ours.connect(_ADDRESS)
        except ConnectionRefusedError:
            ours.close()
            if server is None or server.poll() is not None:  # of several that are started at once, one gets the name
                server = _started()
            time.sleep(0.02)
        else:
            return ours


def _started() -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, "-P", str(_SERVER), _ADDRESS[1:]], stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONHASHSEED": "0"},  # as workers have it
        start_new_session=True,
    )  # fmt: skip

    def leave() -> None:
        _lease().close()
        server.wait()

    atexit.register(leave)
    return server
