"""Container engines (docker, podman): whether one is there, what images it has, running a command in one of them.

Use: ``with started(engine, image, folder, entrypoint="/bin/sh") as command: subprocess.run([*command, "-c", "ls"])``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.toolkit.pulsar2 import guard, licence

Ask = Callable[[Sequence[str]], str | None]
"""Runs a command; gives what it printed, or ``None`` if it failed."""

NETWORK = "RECIPEBUILD_CONTAINER_NETWORK"
"""The environment variable that names the network of containers: ``none``, ``host`` or ``default``."""

_GPUS = ("--gpus", "all")
_MEMORY_SHARE = 0.9
"""Of the machine's memory that a container may have, so that the machine itself is not what the kernel kills."""

_PATIENCE = 10.0
"""Seconds that a program has for a short answer."""


def ask(command: Sequence[str]) -> str | None:
    """What ``command`` prints on standard output; ``None`` if it is missing, fails, or does not answer in time."""
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                answer, _ = process.communicate(timeout=_PATIENCE)
            except BaseException:
                # All that it started, too: a grandchild that keeps the pipe open would keep us waiting.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if process.returncode else answer


def engines() -> list[str]:
    """The engines' programs that can be of use here: docker if there is a daemon to talk to, podman if installed."""
    docker, podman = shutil.which("docker"), shutil.which("podman")
    return ([docker] if docker and _daemon() else []) + ([podman] if podman else [])


def _daemon() -> bool:
    if os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT"):
        return True
    sockets = [Path("/var/run/docker.sock"), Path("~/.docker/run/docker.sock"), Path("~/.docker/desktop/docker.sock")]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        sockets.append(Path(runtime, "docker.sock"))
    return any(os.path.exists(os.path.expanduser(socket)) for socket in sockets)  # noqa: PTH110, PTH111 - never raise


def images(engine: str, ask: Ask = ask) -> dict[str, str]:
    """The engine's images: the id of each by ``repository:tag``; empty if the engine does not answer."""
    answer = ask([engine, "image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]) or ""
    pairs = (line.split() for line in answer.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


@contextlib.contextmanager
def started(engine: str, image: str, folder: Path, *, gpus: bool = False, entrypoint: str) -> Iterator[list[str]]:
    """The words to put before a command so that it runs in a new container, in ``folder``, as ``/data``.

    The container has the network that ``$RECIPEBUILD_CONTAINER_NETWORK`` names, by default none. It sees nothing else
    of the machine but the user's licence files, is root inside (with any other user those cannot be read), leaves some
    memory to the machine, and is killed when the ``with`` block or this process ends before it does. After the block,
    what it wrote belongs to the caller.

    Args:
        engine: The engine's program.
        image: An image that the engine has; none is ever downloaded.
        folder: The one folder that the container may read and write.
        gpus: Let it see the machine's GPUs.
        entrypoint: The program in the image that takes the command as its arguments.

    Raises:
        StepError: If the folder's name is one that an engine cannot mount, or there is no such network.
    """
    if ":" in str(folder):
        raise StepError(
            f"a container cannot mount {folder}: there is a colon in its name", remedy="take another --store"
        )
    network = _network()
    name = f"recipebuild-{os.urandom(8).hex()}"
    watch = subprocess.Popen(
        [sys.executable, "-I", guard.__file__, engine, image, name, str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert watch.stdin is not None  # noqa: S101 - it was opened with a pipe
    try:
        more = [*_limits(engine), *(_GPUS if gpus else ()), *_licences(), "--entrypoint", entrypoint]
        yield [engine, *guard.run_options(name, str(folder), *more, network=network), image]
        watch.stdin.write(guard.ENDED)
    finally:
        with contextlib.suppress(BrokenPipeError):
            watch.stdin.close()
        watch.wait()


def _network() -> str:
    """None by default: nothing in a vendor's image then reaches out. Whether a licence service answers is not shown."""
    name = os.environ.get(NETWORK, "none")
    if name not in ("none", "host", "default"):
        raise StepError(f"{NETWORK} is {name}", remedy="none, host, or default: the engine's own")
    return name


def _licences() -> list[str]:
    """The option that shows the user's licence files to the container, to read."""
    folder = licence.own()
    return ["--mount", f"type=bind,source={folder},target={licence.MOUNTED},readonly"] if folder else []


def _limits(engine: str) -> list[str]:
    """The option that limits memory, where the engine can set it.

    Podman without root cannot where the system does not delegate the controller to its user, and a container would not
    start at all: it is asked.
    """
    if Path(engine).name != "docker":
        controllers = ask([engine, "info", "--format", "{{.Host.CgroupControllers}}"]) or ""
        if "memory" not in controllers.strip("[] \n").split():
            return []
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return ["--memory", f"{int(total * _MEMORY_SHARE) >> 20}m"]
