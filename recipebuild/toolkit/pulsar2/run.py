"""Running ``pulsar2 run``: a compiled model, simulated on this machine, on raw files.

Use: ``simulate(folder, tool, "compiled.axmodel", feeds, outputs)``. Source: page user_guides_advanced/
advanced_run_guides. Of a compiled model that runs on the NPU as a whole it is bit-exact with the board; a quantized one
goes through the host's operators (``--mode Reference``), which is within about one step of it.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.statistics import Tensor
from recipebuild.toolkit.pulsar2.log import Log
from recipebuild.toolkit.pulsar2.tool import Tool

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_INPUTS, _OUTPUTS, _LIST = "run-inputs", "run-outputs", "run-list.txt"


def file_name(tensor: str) -> str:
    """The file in which the tool looks for a tensor, or leaves it."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", tensor) + ".bin"


def simulate(
    folder: Path,
    tool: Tool,
    model: str,
    feeds: Sequence[Mapping[str, Array]],
    outputs: Sequence[Tensor],
    *,
    reference: bool = False,
    group: int = 0,
) -> list[dict[str, Array]]:
    """What a model gives for each of ``feeds``, by the name of the output.

    Args:
        folder: Where the tool runs; it holds the model.
        tool: What runs.
        model: The model's name in ``folder``.
        feeds: For each run the inputs by name, of the model's exact types and shapes.
        outputs: The model's outputs.
        reference: Whether ``model`` is a quantized one, for the host's operators. Only the NPU's ask for which chip.
        group: Which of the shapes it was compiled for: 0 is the network's own, 1 the first of ``src_extra_shapes``.

    Raises:
        MissingError: If the program or image is no longer there.
        StepError: If the tool fails, or leaves an output of another size.
    """
    for name in (_INPUTS, _OUTPUTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for at, feed in enumerate(feeds):
        place = folder / _INPUTS / str(at)
        place.mkdir(parents=True)
        for tensor, values in feed.items():
            (place / file_name(tensor)).write_bytes(values.tobytes())
    (folder / _LIST).write_text("".join(f"{at}\n" for at in range(len(feeds))), encoding="utf-8")
    log = Log()
    arguments = ["run", "--model", model, "--input_dir", _INPUTS, "--output_dir", _OUTPUTS, "--list", _LIST]
    if reference:
        arguments += ["--mode", "Reference"]
    if group:
        arguments += ["--group_index", str(group)]
    if status := tool.run(arguments, folder, lambda line: log.read(line) and None):
        message, remedy = log.diagnosis(status)
        raise StepError(f"pulsar2 run failed: {message}", remedy=remedy)
    return [
        {tensor.name: _read(folder / _OUTPUTS / str(at) / file_name(tensor.name), tensor) for tensor in outputs}
        for at in range(len(feeds))
    ]


def _read(path: Path, tensor: Tensor) -> Array:
    import numpy as np

    try:
        dtype, count = np.dtype(tensor.dtype), math.prod(tensor.sizes or ())
        if dtype == np.int64 and path.stat().st_size == 4 * count:  # class ids as the NPU has them
            dtype = np.dtype(np.int32)
        values = np.fromfile(path, dtype)
        return values.reshape(tensor.sizes or ())
    except (OSError, ValueError, TypeError) as error:
        raise StepError(f"pulsar2 run left no {path.name} of {tensor}: {error}") from error
