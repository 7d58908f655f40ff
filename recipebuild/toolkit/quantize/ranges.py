"""The smallest and largest value of each tensor over the calibration set, found inside the running model.

Use: ``minmax(model, names, batches)["relu_out"].high``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.toolkit.quantize.probe import Probe

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batches

_REDUCTIONS = ("ReduceMin", "ReduceMax", "ReduceSum")
"""Minimum and maximum pass over NaN in ONNX Runtime; a sum does not."""


@dataclass(frozen=True)
class Range:
    """The values, ``low`` to ``high``, that the codes of a quantized tensor are spread over."""

    low: float
    high: float


def minmax(
    model: onnx.ModelProto, names: Sequence[str], batches: Batches, on_batch: Callable[[int], None] = lambda _: None
) -> dict[str, Range]:
    """The range of each of the tensors ``names`` over all batches.

    Args:
        model: The float model.
        names: Float tensors of it.
        batches: What to run it on.
        on_batch: Told how many batches are done.

    Raises:
        StepError: If a tensor has NaN or infinite values; it is named.
    """
    import numpy as np
    from onnx import helper

    if not names:
        return {}
    outputs = {name: [f"recipebuild_{kind}_{i}" for kind in _REDUCTIONS] for i, name in enumerate(names)}
    after = {
        name: [
            helper.make_node(kind, [name], [output], keepdims=0)
            for kind, output in zip(_REDUCTIONS, outputs[name], strict=True)
        ]
        for name in names
    }
    probe = Probe(model, after, [output for each in outputs.values() for output in each])
    low, high = np.full(len(names), np.inf, np.float32), np.full(len(names), -np.inf, np.float32)
    for done, batch in enumerate(batches, 1):
        least, most, total = np.array(probe(batch)).reshape(len(names), len(_REDUCTIONS)).T
        sound = np.isfinite(least) & np.isfinite(most) & ~np.isnan(total)
        if not sound.all():
            raise StepError(
                f"the tensor {names[int(np.argmin(sound))]} has NaN or infinite values "
                f"for sample {done} of the calibration set",
                remedy="check the model's weights and its constants (masks of -inf), and input.mean and input.std",
            )
        low, high = np.minimum(low, least), np.maximum(high, most)
        on_batch(done)
    return {name: Range(float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}
