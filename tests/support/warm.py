"""The command, in processes that need not import for seconds: they are forked from one that has imported all.

That one is this file, run as a program: one server for all workers of xdist, started by the first that has a command
to run, and gone with the last of them. What it forks is a process like any other, with an output, an environment and an
exit code of its own. Tests of how a process starts take a new one: ``Project.new_process`` or ``Project.start``.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import gc
import hashlib
import json
import multiprocessing
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Client, Listener
from pathlib import Path
from pkgutil import walk_packages
from types import SimpleNamespace
from typing import IO, Any
from unittest import mock

import recipebuild

_HEAVY = (
    "torch", "torchmetrics.functional.classification", "transformers.models.segformer.modeling_segformer",
    "onnx_ir", "onnxscript", "PIL.Image", "jinja2", "rich.console",
)  # fmt: skip
"""What takes long to import. ONNX Runtime is not among it: it starts threads, and a fork has none of them."""

_FORK = multiprocessing.get_context("fork")

_SESSION = f"{__file__} {os.environ.get('PYTEST_XDIST_TESTRUNUID') or os.getpid()}"
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
        out: int | None = None, err: int | None = None,
    ) -> None:  # fmt: skip
        self.args = [*arguments]
        self.returncode: int | None = None
        self.stdout, out_end = (None, out) if out is not None else _pipe()
        self.stderr, err_end = (None, err) if err is not None else _pipe()
        what = {"arguments": self.args, "program": program and str(program)}
        where = {"folder": str(folder), "environment": {**environment}}
        _lease()
        self._server = _connected()
        socket.send_fds(self._server, [json.dumps(what | where).encode()], [out_end, err_end])
        for end, given in ((out_end, out), (err_end, err)):
            if given is None:
                os.close(end)
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
        process = Forked(arguments, folder, environment, program, out.fileno(), err.fileno())
        with contextlib.closing(process):  # a time limit, Ctrl-C
            code = process.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


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
        [sys.executable, "-P", __file__, _ADDRESS[1:]], stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONHASHSEED": "0"},  # as workers have it
        start_new_session=True,
    )  # fmt: skip

    def leave() -> None:
        _lease().close()
        server.wait()

    atexit.register(leave)
    return server


class _Server:
    """The other side: forks commands, and tells their exit codes."""

    def __init__(self, listening: socket.socket, drawing: str) -> None:
        self._drawing = drawing
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ, self._accept)
        self._connected = 0
        self._running: dict[socket.socket, Any] = {}
        self._listening = listening

    def serve(self) -> None:
        """Until nobody is connected any more."""
        while True:
            for key, _ in self._selector.select():
                key.data(key.fileobj)
            if not self._connected:
                return

    def _accept(self, listening: socket.socket) -> None:
        client, _ = listening.accept()
        self._connected += 1
        self._selector.register(client, selectors.EVENT_READ, self._hear)

    def _hear(self, client: socket.socket) -> None:
        request, files, *_ = socket.recv_fds(client, 1 << 20, 2)
        if request:
            process = _FORK.Process(target=_command, args=(files, self._drawing), kwargs=json.loads(request))
            process.start()
            assert process.pid
            for file in files:
                os.close(file)
            self._running[client] = process
            client.send(str(process.pid).encode())
            end = os.pidfd_open(process.pid)
            self._selector.register(end, selectors.EVENT_READ, functools.partial(self._ended, client, process))
            return
        self._selector.unregister(client)
        self._connected -= 1
        if process := self._running.pop(client, None):  # whoever wanted it has given up
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        client.close()

    def _ended(self, client: socket.socket, process: Any, end: int) -> None:
        self._selector.unregister(end)
        os.close(end)
        process.join()
        if self._running.pop(client, None):
            with contextlib.suppress(BrokenPipeError):
                client.send(str(process.exitcode).encode())


def _serve(address: str) -> None:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listening.bind(address)
    except OSError:  # another one serves
        return
    listening.listen(64)
    _FORK.Process(target=_draw, args=(listening, f"{address}-charts"), daemon=True).start()
    ours = (module.name for module in walk_packages(recipebuild.__path__, "recipebuild."))
    for name in (*_HEAVY, *(name for name in ours if not name.endswith("__main__"))):
        import_module(name)
    gc.freeze()  # what a fork looked through for garbage would be copied first
    _Server(listening, f"{address}-charts").serve()


def _draw(listening: socket.socket, address: str) -> None:
    """Draw charts for commands: each would start V8 for its own, which takes a second."""
    listening.close()
    import vl_convert

    with Listener(address, "AF_UNIX", backlog=64) as charts:
        while True:
            with charts.accept() as client, contextlib.suppress(EOFError):
                spec = client.recv()
                try:
                    client.send(vl_convert.vegalite_to_svg(spec))
                except ValueError as wrong:
                    client.send(wrong)


def _drawn(address: str, spec: object) -> object:
    with Client(address, "AF_UNIX") as charts:
        charts.send(spec)
        answer = charts.recv()
    if isinstance(answer, ValueError):
        raise answer
    return answer


def _command(
    files: list[int], drawing: str, arguments: list[str], program: str | None, folder: str, environment: dict[str, str]
) -> None:
    import vl_convert

    from recipebuild.cli.app import main
    from recipebuild.engine import pool

    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # other commands' among it
    if os.isatty(1):
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    sys.stdout = os.fdopen(1, "w", buffering=1 if os.isatty(1) else -1, encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program or "recipebuild", *arguments]
    forking = SimpleNamespace(PIPE=subprocess.PIPE, Popen=_Worker, TimeoutExpired=subprocess.TimeoutExpired)
    with (
        mock.patch.object(pool, "subprocess", forking),
        mock.patch.object(vl_convert, "vegalite_to_svg", functools.partial(_drawn, drawing)),
    ):
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
    _serve(f"\0{sys.argv[1]}")
