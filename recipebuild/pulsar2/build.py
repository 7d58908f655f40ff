"""Running ``pulsar2 build`` in a folder that holds ``model.onnx``, the calibration archive and ``pulsar2.json``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recipebuild.errors import MissingError, StepError
from recipebuild.pulsar2 import container
from recipebuild.pulsar2.log import Log
from recipebuild.pulsar2.toolchain import missing_remedy

MODEL, CONFIG = "model.onnx", "pulsar2.json"
_OUT, _COMPILED = "out", "compiled.axmodel"
_KEPT = (_COMPILED, "build_context.json", "quant/quant_axmodel.json")
"""Of all that the tool leaves: the model, what it was told, and every tensor's scale and zero point."""


@dataclass(frozen=True)
class Built:
    """What a build left.

    Attributes:
        files: By the name that each has under the tool's output folder.
        figures: ``bytes`` of the compiled model, ``version`` and ``commit`` of the tool as the model says them, and
            what the log says (see ``Log``).
    """

    files: Mapping[str, Path]
    figures: dict[str, Any]


def build(
    folder: Path,
    *,
    hardware: str,
    runner: Literal["native", "docker"],
    image: str | None,
    progress: Callable[[float, str], None],
) -> Built:
    """Compile ``folder``'s model. What the tool prints goes to standard output.

    Args:
        folder: Has the three files, and nothing else; the tool runs in it.
        hardware: ``AX650``...
        runner: Whether ``pulsar2`` on PATH runs, or the one in ``image``.
        image: ``pulsar2:<version>``, with the runner ``docker``.
        progress: Told how far it is, from 0 to 1, and what is being done.

    Raises:
        MissingError: If the program or image is no longer there.
        StepError: If the tool fails, or leaves no compiled model.
    """
    log = Log()

    def read(line: str) -> None:
        sys.stdout.write(line)
        sys.stdout.flush()
        if step := log.read(line):
            progress(*step)

    arguments = ["build", "--target_hardware", hardware, "--input", MODEL, "--config", CONFIG]
    arguments += ["--output_dir", _OUT, "--output_name", _COMPILED]
    with _tool(folder, runner, image) as command:
        status = _stream([*command, *arguments], folder, read)
    if status:
        message, remedy = log.diagnosis(status)
        raise StepError(f"pulsar2 build failed: {message}", remedy=remedy)
    compiled = folder / _OUT / _COMPILED
    if not compiled.is_file():
        raise StepError(
            f"pulsar2 build ended as if all were well, but left no {_COMPILED}", remedy="its last lines are in the log"
        )
    figures = {"bytes": compiled.stat().st_size, **_stamp(compiled), **log.figures}
    return Built({name: folder / _OUT / name for name in _KEPT if (folder / _OUT / name).is_file()}, figures)


@contextmanager
def _tool(folder: Path, runner: str, image: str | None) -> Iterator[list[str]]:
    """The words that run ``pulsar2``."""
    if runner == "native":
        program = shutil.which("pulsar2")
        if program is None:
            raise MissingError("pulsar2 is not on PATH", remedy=missing_remedy())
        yield [program]
        return
    engine = next((engine for engine in container.engines() if image in container.images(engine)), None)
    if image is None or engine is None:
        raise MissingError(
            f"neither docker nor podman has the image {image}", remedy="docker load -i ax_pulsar2_<version>.tar.gz"
        )
    with container.started(engine, image, folder) as command:
        yield [*command, "pulsar2"]


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


def _stamp(axmodel: Path) -> dict[str, str]:
    """Version and commit of the tool, from the doc string at the head of the model, which is an ONNX file."""
    with axmodel.open("rb") as file:
        found = re.findall(rb"Pulsar2 (Version|Commit):\s*([\w.\-]+)", file.read(1 << 16))
    return {name.decode().lower(): value.decode() for name, value in found}
