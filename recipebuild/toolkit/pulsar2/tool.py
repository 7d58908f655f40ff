"""Running ``pulsar2`` in a folder, natively or in a container: ``Tool("native").run(["version"], folder, read)``.

What it prints goes to ``read`` line by line, and to standard output.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recipebuild.errors import MissingError
from recipebuild.toolkit.pulsar2 import container, licence
from recipebuild.toolkit.pulsar2.toolchain import missing_remedy, tag

_PYTHON = "/usr/local/bin/.venv/bin/python3"
"""The Python of the vendor's image. [GitHub AXERA-TECH/Magnetar, docker_util.py]"""


@dataclass(frozen=True)
class Tool:
    """A Pulsar2 that was found.

    Attributes:
        runner: Whether ``pulsar2`` on PATH runs, or the one in ``image``.
        image: ``pulsar2:<version>``, with the runner ``docker``.
        gpus: Whether it gets to see the machine's GPUs.
    """

    runner: Literal["native", "docker"]
    image: str | None = None
    gpus: bool = False

    def run(self, arguments: Sequence[str], folder: Path, read: Callable[[str], None]) -> int:
        """Run ``pulsar2`` in ``folder``; its exit status as a shell has it: 128 + n for signal n.

        Raises:
            MissingError: If the program or image is no longer there, or a licence file that it needs is not.
        """

        def both(line: str) -> None:
            sys.stdout.write(line)
            sys.stdout.flush()
            read(line)

        with self._command(folder) as command:
            status = _stream([*command, *arguments], folder, both)
        if self.image:
            licence.check(status, tag(self.image))
        return status

    def run_python(self, arguments: Sequence[str], folder: Path, read: Callable[[str], None]) -> int:
        """Run the toolchain's own Python in ``folder``; its exit status, as that of ``run``.

        A native tool's is in the vendor's image, else beside the program. Its homes are added to the arguments.

        Raises:
            MissingError: If the program or image is no longer there.
        """
        with self._command(folder, entrypoint=_PYTHON) as command:
            if self.runner == "docker":
                return _stream([*command, *arguments], folder, read)
            program = Path(command[0])
            beside = program.with_name("python3")
            python = next((str(path) for path in (Path(_PYTHON), beside) if path.exists()), "")
            if not python:
                return 127
            home = program.resolve().parent
            return _stream([python, *arguments, str(home), str(home.parent)], folder, read)

    @contextmanager
    def _command(self, folder: Path, entrypoint: str | None = None) -> Iterator[list[str]]:
        """The words that run ``pulsar2``, or in a container ``entrypoint``."""
        if self.runner == "native":
            program = shutil.which("pulsar2")
            if program is None:
                raise MissingError("pulsar2 is not on PATH", remedy=missing_remedy())
            licence.put_in_place(Path(program))
            yield [program]
            return
        engine = next((e for e in container.engines() if self.image in container.images(e)), None)
        if self.image is None or engine is None:
            raise MissingError(
                f"neither docker nor podman has the image {self.image}",
                remedy="docker load -i ax_pulsar2_<version>.tar.gz",
            )
        program = entrypoint or "/bin/sh"
        with container.started(engine, self.image, folder, gpus=self.gpus, entrypoint=program) as command:
            yield command if entrypoint else [*command, "-c", licence.script(tag(self.image)), "pulsar2"]


def _stream(command: Sequence[str], folder: Path, read: Callable[[str], None]) -> int:
    """Run ``command`` in ``folder``, giving each line that it prints to ``read``; its status as a shell has it."""
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        try:
            for line in process.stdout:
                read(line)
        except BaseException:
            process.kill()
            raise
    return process.returncode if process.returncode >= 0 else 128 - process.returncode
