"""The server of ``warm.py``: it imports all once, and forks a process for each command that it is sent.

A connection that sends nothing keeps it alive; one that sends a command, and the files that are its standard input,
output and error, is sent the process's number and, once that has ended, its exit code. A command whose connection is
closed is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import json
import multiprocessing
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import termios
from importlib import import_module
from multiprocessing.connection import Client, Listener, wait
from pkgutil import walk_packages
from types import SimpleNamespace
from typing import Any
from unittest import mock

import recipebuild

_HEAVY = (
    "torch", "torchmetrics.functional.classification", "transformers.models.segformer.modeling_segformer",
    "transformers.conversion_mapping", "onnx_ir", "onnxscript", "onnx_graphsurgeon", "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin", "jinja2", "rich.console",
)  # fmt: skip
"""What takes long to import. ONNX Runtime is not among it: it starts threads, and a fork has none of them."""

_FORK = multiprocessing.get_context("fork")


class _Server:
    """Forks commands, and tells their exit codes."""

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
        request, files, *_ = socket.recv_fds(client, 1 << 20, 3)
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
    gc.disable()
    ours = (module.name for module in walk_packages(recipebuild.__path__, "recipebuild."))
    for name in (*_HEAVY, *(name for name in ours if not name.endswith("__main__"))):
        import_module(name)
    _prepare()
    gc.freeze()  # what a fork looked through for garbage would be copied first
    gc.enable()
    _Server(listening, f"{address}-charts").serve()


def _prepare() -> None:
    """Do once what each process does when it first comes to it, and what is the same in all of them."""
    from pydantic import BaseModel
    from transformers import conversion_mapping

    from recipebuild.report import template

    for model in _below(BaseModel):
        if model.__module__.startswith("recipebuild."):
            model.model_rebuild()
    for name in template._environment().list_templates(["j2"]):
        template._environment().get_template(name)
    conversion_mapping.get_checkpoint_conversion_mapping("segformer")


def _below(kind: Any) -> set[Any]:
    return {kind}.union(*map(_below, kind.__subclasses__()))


def _draw(listening: socket.socket, address: str) -> None:
    """Draw charts for commands: each would start V8 for its own, which takes a second."""
    listening.close()
    import vl_convert

    @functools.cache
    def drawn(spec: str) -> str | ValueError:
        try:
            svg: str = vl_convert.vegalite_to_svg(spec)
            return svg
        except ValueError as wrong:
            return wrong

    with Listener(address, "AF_UNIX", backlog=64) as charts:
        while True:
            with charts.accept() as client, contextlib.suppress(EOFError):
                client.send(drawn(client.recv()))


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
    for number, file in enumerate(files):
        os.dup2(file, number)
    _close_all_others()
    if os.isatty(1):
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    sys.stdout = os.fdopen(1, "w", buffering=1 if os.isatty(1) else -1, encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
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


def _close_all_others() -> None:
    """Close what whoever forked this process has open: connections, and locks among it.

    Objects that think that they have it open must not be collected: they would close what has its number by then.
    """
    gc.freeze()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


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
        """Wait for its end, which shows at its descriptor: the fork has closed the pipe that ``join`` would look at."""
        with contextlib.suppress(ProcessLookupError):  # it has been waited for
            end = os.pidfd_open(self.pid)
            try:
                if not wait([end], timeout):
                    raise subprocess.TimeoutExpired("worker", timeout or 0)
            finally:
                os.close(end)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def _work(requests: int, replies: int) -> None:
    from recipebuild.engine import worker

    os.setpgid(0, 0)
    os.dup2(requests, 0)
    os.dup2(replies, 1)
    _close_all_others()
    os.environ["PYTHONHASHSEED"] = "0"
    worker.main()


if __name__ == "__main__":
    _serve(f"\0{sys.argv[1]}")
