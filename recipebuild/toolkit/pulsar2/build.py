"""Running ``pulsar2 build`` in a folder that holds ``model.onnx``, the calibration archive and ``pulsar2.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.toolkit.pulsar2.log import Log
from recipebuild.toolkit.pulsar2.tool import Tool

MODEL, CONFIG = "model.onnx", "pulsar2.json"
OUT, COMPILED = "out", "compiled.axmodel"
QUANTIZED = "quant/quant_axmodel.onnx"
OPTIMIZED = "frontend/optimized.onnx"
_ENDED = "$ ended"
"""The line behind all that the tool printed."""
_CALIBRATES = "Calibration Progress"
"""What the tool prints when it is done with the graph, and has written it."""
_KEPT = (
    COMPILED, "build_context.json", "quant/quant_axmodel.json", QUANTIZED, "quant/quant_axmodel.data",
    OPTIMIZED, "frontend/optimized.data",
)  # fmt: skip
"""Of all that the tool leaves: the model, what it was told, every tensor's scale and zero point, the quantized model,
which can be simulated, too, and the graph that the names of layers are those of, with a large one's weights."""
_PROFILES = ("compiler/debug/*/*/trace.json", "compiler/debug/*/*/op_profile.csv")


@dataclass(frozen=True)
class Pulsar2Output:
    """What a build left.

    Attributes:
        out: The tool's output folder, with all that it left.
        files: What is worth keeping, by the name that each has under ``out``.
        log: What it said.
    """

    out: Path
    files: Mapping[str, Path]
    log: Log

    @property
    def compiled(self) -> Path:
        """The compiled model."""
        return self.files[COMPILED]


def build(
    folder: Path,
    tool: Tool,
    *,
    hardware: str,
    progress: Callable[[float, str], None],
    optimized: Callable[[Path], None] = lambda path: None,
) -> Pulsar2Output:
    """Compile ``folder``'s model. The command, and what the tool prints, go to standard output.

    Args:
        folder: Has the three files, and nothing else; the tool runs in it.
        tool: What runs.
        hardware: ``AX650``...
        progress: Told how far it is, from 0 to 1, and what is being done.
        optimized: Shown the optimized graph before hours of work on it; whatever it raises ends the tool.

    Raises:
        MissingError: If the program or image is no longer there.
        StepError: If the tool fails, or leaves no compiled model.
    """
    log = Log()
    graph = folder / OUT / OPTIMIZED
    looked_at = False

    def read(line: str) -> None:
        nonlocal looked_at
        if not looked_at and _CALIBRATES in line and graph.is_file():
            looked_at = True
            optimized(graph)
        if step := log.read(line):
            progress(*step)

    print(_words(hardware), flush=True)  # noqa: T201 - for ``taken_over``
    status = tool.run(_arguments(hardware), folder, read)
    print(_ENDED, flush=True)  # noqa: T201
    if status:
        message, remedy = log.diagnosis(status)
        raise StepError(f"pulsar2 build failed: {message}", remedy=remedy, metrics=log.figures)
    out = folder / OUT
    if not (out / COMPILED).is_file():
        raise StepError(
            f"pulsar2 build reported success, but wrote no {COMPILED}", remedy="its last lines are in the log"
        )
    if not looked_at and graph.is_file():
        optimized(graph)
    return Pulsar2Output(out, _kept(out), log)


def taken_over(out: Path, printed: str, hardware: str) -> Pulsar2Output | None:
    """What an earlier build left, what it printed read anew; ``None`` if the tool was called in other words.

    Args:
        out: Has what is worth keeping of a build that succeeded.
        printed: What ``build`` printed.
        hardware: ``AX650``...
    """
    words = f"{_words(hardware)}\n"
    begin, end = printed.rfind("$ pulsar2 "), printed.rfind(_ENDED)
    if end < 0 or not printed.startswith(words, begin):
        return None
    print(printed[begin:end] + _ENDED, flush=True)  # noqa: T201 - for whoever takes this one over
    log = Log()
    for line in printed[begin + len(words) : end].split("\n"):
        log.read(line)
    return Pulsar2Output(out, _kept(out), log)


def _arguments(hardware: str) -> list[str]:
    arguments = ["build", "--target_hardware", hardware, "--input", MODEL, "--config", CONFIG]
    return [*arguments, "--output_dir", OUT, "--output_name", COMPILED]


def _words(hardware: str) -> str:
    """The command, as it stands before what it prints."""
    return f"$ pulsar2 {' '.join(_arguments(hardware))}"


def _kept(out: Path) -> dict[str, Path]:
    """What is worth keeping, by its name under ``out``."""
    kept = [out / name for name in _KEPT] + [path for pattern in _PROFILES for path in sorted(out.glob(pattern))]
    return {str(path.relative_to(out)): path for path in kept if path.is_file()}
