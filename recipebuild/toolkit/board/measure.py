"""A model on the board: copied there, timed, fed with images.

All of it works in a ``BoardSession``; a dropped connection raises ``ConnectionError``, and the caller goes on from
what it has.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import MissingError, StepError
from recipebuild.files import SUMS, digest_file
from recipebuild.toolkit.board.output import (
    SampleTiming,
    Timing,
    refuse_failure,
    run_model_timing,
    sample_timing,
    unknown,
)
from recipebuild.toolkit.board.session import BoardSession
from recipebuild.toolkit.board.ssh import quote

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

RUN_SECONDS = 900.0
"""How long one call of a program on the board may take."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Repeats:
    """How ``ax_run_model`` is to load the NPU; ``None`` leaves it to the program.

    Attributes:
        repeat: Timed runs in one call.
        warmup: Runs before those.
        affinity: Mask of the cores, 1 (0b001) to 7 (0b111).
        vnpu: 0 off, 1 standard, 2 big and little.
    """

    repeat: int
    warmup: int
    affinity: int | None = None
    vnpu: int | None = None


def copy_changed(session: BoardSession, folder: Path, place: str) -> list[str]:
    """Make ``place`` on the board hold the bundle, by copying what differs; the names of what was copied.

    Raises:
        StepError: If the board is full, or a file does not arrive as it is.
    """
    there = session.shell(
        f"mkdir -p {quote([place])} && cd {quote([place])} && {{ sha256sum -- * 2>/dev/null; true; }}",
        "looking at files",
    )
    known = {name: digest for digest, _, name in (line.partition("  ") for line in there.splitlines())}
    wanted = {path.name: digest_file(path) for path in sorted(folder.iterdir())}
    changed = [name for name, digest in wanted.items() if known.get(name) != digest]
    if changed:
        session.put({name: folder / name for name in changed}, place)
    if stale := sorted(known.keys() - wanted.keys()):
        session.shell(f"cd {quote([place])} && rm -f -- {quote(stale)}", "removing old files")
    session.shell(f"cd {quote([place])} && sha256sum -c {SUMS} >/dev/null", "checking what was copied")
    return changed


def speed(session: BoardSession, model: str, load: Repeats, group: int = 0) -> Timing:
    """How long one run of the model takes, by one call of the board's program.

    Args:
        session: The board.
        model: The model's path, from the run's folder.
        load: How often.
        group: Which of the shapes that it was compiled for; 0 is the network's own. Only ``axcl_run_model`` can choose.

    Raises:
        MissingError: If the program is not there.
        StepError: If it fails, or prints what is not known.
    """
    program = session.board.program
    words = [program, "-m", model, *_device(session), "-w", str(load.warmup), "-r", str(load.repeat)]
    words += ["-a", str(load.affinity)] if load.affinity is not None else []
    words += ["-v", str(load.vnpu)] if load.vnpu is not None else []
    words += ["-g", str(group)] if group else []
    return run_model_timing(_call(session, words), program)


def sample_speed(
    session: BoardSession, runner: str, model: str, image: str, size: tuple[int, int]
) -> SampleTiming | None:
    """How long a program of ax-samples takes on an image; ``None`` if the board has no such program.

    Args:
        session: The board.
        runner: The program.
        model: The model's path, from the run's folder.
        image: The image's, likewise.
        size: Height and width of the model's input.
    """
    words = [runner, "-m", model, "-i", image, "-g", f"{size[0]},{size[1]}", "-r", "10"]
    try:
        return sample_timing(_call(session, words), runner)
    except MissingError:
        return None


def outputs(
    session: BoardSession, model: str, interface: Mapping[str, Any], images: Sequence[Array]
) -> list[list[Array]]:
    """What the model gives for each image, in the order of its outputs.

    Args:
        session: The board.
        model: The model's path, from the run's folder.
        interface: ``model.json``.
        images: Inputs as the model takes them.

    Raises:
        StepError: If the program fails, or an output is missing or of another size.
    """
    program, input_name = session.board.program, _UNSAFE.sub("_", interface["input"]["name"])
    numbers = [str(i) for i in range(len(images))]
    files: dict[str, Path | bytes] = {f"in/{i}/{input_name}.bin": image.tobytes() for i, image in enumerate(images)}
    session.shell(f"rm -rf in out && mkdir -p {quote([f'out/{i}' for i in numbers])}", "making folders")
    session.put({**files, "list.txt": ("\n".join(numbers) + "\n").encode()}, ".")
    words = [program, "-m", model, *_device(session), "-i", "in", "-o", "out", "-l", "list.txt"]
    refuse_failure(text := _call(session, words), program)
    expected = interface["outputs"]
    size = sum(math.prod(output["shape"]) for output in expected) * 8 * len(images)
    written = session.get("out", size)
    return [[_tensor(written, i, output, text, program) for output in expected] for i in numbers]


def by_shape(shapes: Sequence[Sequence[int]], timings: Sequence[Timing]) -> tuple[dict[str, Any], ...]:
    """``shape`` (N, C, H, W) and ``latency_ms`` of each shape that was timed: of one call, at that shape."""
    timed = zip(shapes, timings, strict=False)
    return tuple({"shape": list(shape), "latency_ms": summary([timing])} for shape, timing in timed)


def _device(session: BoardSession) -> list[str]:
    """Which card: the first is the program's own default (``axcl_run_model --help``: ``-d, --device``)."""
    return ["-d", str(session.board.device)] if session.board.device else []


def summary(timings: Sequence[Timing]) -> dict[str, Any]:
    """The figures of several calls: milliseconds; percentiles are over the calls' means.

    A card's program gives percentiles of its own runs: those of its last call are put beside them.
    """
    means = sorted(timing.avg for timing in timings)
    last = timings[-1]
    return {
        "min": min(timing.min for timing in timings),
        "avg": round(statistics.fmean(means), 4),
        "max": max(timing.max for timing in timings),
        "p50": round(statistics.median(means), 4),
        "p90": means[min(len(means) - 1, round(0.9 * len(means)))],
        "calls": len(means),
        **({"tool_percentiles": last.percentiles} if last.percentiles else {}),
    }


def _call(session: BoardSession, words: list[str]) -> str:
    """What a program printed, if it ended well."""
    status, text = session.run(words, RUN_SECONDS)
    if status == 127 or (status == 126 and "not found" in text):
        raise MissingError(
            f"the board {session.board.host} has no {words[0]}",
            remedy="put it on PATH there, or into /opt/bin; recipebuild board doctor NAME lists what is there",
        )
    if status:
        refuse_failure(text, words[0])
        raise unknown(text, words[0], f"it ended with status {status}")
    return text


def _tensor(written: Mapping[str, bytes], image: str, output: Mapping[str, Any], text: str, program: str) -> Array:
    import numpy as np

    name = f"{image}/{_UNSAFE.sub('_', output['name'])}.bin"
    if name not in written:
        raise unknown(text, program, f"it wrote no {name}, but {', '.join(sorted(written)) or 'nothing'}")
    count, data = math.prod(output["shape"]), written[name]
    dtype = np.dtype(output["dtype"])
    if dtype.kind in "iu" and len(data) == 8 * count:  # class ids of ONNX's own width
        dtype = np.dtype(np.int64)
    if len(data) != dtype.itemsize * count:
        raise StepError(
            f"{program} wrote {len(data)} bytes as {output['name']}, and {dtype} {output['shape']} has "
            f"{dtype.itemsize * count}",
            remedy="is it the model of this bundle? Build and deploy it again",
        )
    return np.frombuffer(data, dtype).reshape(output["shape"])
