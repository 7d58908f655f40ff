"""What channels hold over a calibration set, measured in the model in one pass, and no tensor of it kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.equalize.noise import Spread
from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.quantize.probe import Probe

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.equalize.layers import Taker
    from recipebuild.toolkit.equalize.trace import Channels, Use
    from recipebuild.toolkit.quantize.dataset import Batches

    Array = npt.NDArray[np.float64]

_MEASURES = ("ReduceMin", "ReduceMax", "ReduceMean", "ReduceMean")


@dataclass(frozen=True)
class Wanted:
    """A tensor that is to be measured.

    Attributes:
        name: The tensor.
        axes: Those that are kept: the axes on which channels differ. None measures the tensor as a whole.
    """

    name: str
    axes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a tensor holds, with the axes that were kept: smallest and largest value, mean, mean of the squares."""

    low: Array
    high: Array
    mean: Array
    square: Array


def kept_axes(channels: Channels) -> tuple[int, ...]:
    """The axes on which the channels of a tensor differ."""
    import numpy as np

    def differ(axis: int) -> bool:
        first = channels[tuple(slice(0, 1) if i == axis else slice(None) for i in range(channels.ndim))]
        return not np.array_equal(np.broadcast_to(first, channels.shape), channels)

    return tuple(axis for axis in range(channels.ndim) if differ(axis))


def spread(measured: Measured, channels: Channels, count: int) -> Spread:
    """What was measured, put together for each of ``count`` channels."""
    import numpy as np

    axes = kept_axes(channels)
    numbers = channels[tuple(slice(None) if axis in axes else 0 for axis in range(channels.ndim))].reshape(-1)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, numbers, measured.low.reshape(-1))
    np.maximum.at(high, numbers, measured.high.reshape(-1))
    times = np.bincount(numbers, minlength=count)
    square = np.bincount(numbers, measured.square.reshape(-1), count) / np.maximum(times, 1)
    here = times > 0
    return Spread(np.where(here, low, 0), np.where(here, high, 0), square)


def spread_of(use: Use | Taker, count: int, measured: Mapping[Wanted, Measured]) -> Spread:
    """What the channels hold where they are taken."""
    wanted = Wanted(use.node.input[use.position], kept_axes(use.channels))
    return spread(measured[wanted], use.channels, count)


def measure(
    model: onnx.ModelProto,
    wanted: Sequence[Wanted],
    ranks: Callable[[str], int],
    batches: Batches,
    on_batch: Callable[[int], None] = lambda done: None,
) -> dict[Wanted, Measured]:
    """Measure tensors over all batches.

    Args:
        model: The model.
        wanted: What to measure.
        ranks: Gives the number of axes of a tensor.
        batches: The model's inputs.
        on_batch: Called with the number of batches that are done.

    Raises:
        StepError: If ONNX Runtime cannot run the model.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    asked = list(dict.fromkeys(wanted))
    if not asked:
        return {}
    opset = opset_of(model)
    after: dict[str, list[onnx.NodeProto]] = {}
    constants, outputs = [], []
    for number, one in enumerate(asked):
        squared = f"equalize_{number}_squared"
        nodes = [helper.make_node("Mul", [one.name, one.name], [squared])]
        axes = [axis for axis in range(ranks(one.name)) if axis not in one.axes]
        for which, operator in enumerate(_MEASURES):
            inputs, output = [squared if which == 3 else one.name], f"equalize_{number}_{which}"
            attributes = {"axes": axes}
            if opset >= 18:  # from there on an input
                constants.append(numpy_helper.from_array(np.array(axes, np.int64), f"{output}_axes"))
                inputs, attributes = [*inputs, constants[-1].name], {}
            nodes.append(helper.make_node(operator, inputs, [output], keepdims=0, **attributes))
            outputs.append(output)
        after.setdefault(one.name, []).extend(nodes)
    probe = Probe(model, after, outputs, constants)
    totals: list[list[Array]] = []
    for done, batch in enumerate(batches, 1):
        values = [np.asarray(value, np.float64) for value in probe(batch)]
        rows = [values[i : i + 4] for i in range(0, len(values), 4)]
        totals = [_joined(old, new) for old, new in zip(totals, rows, strict=True)] if totals else rows
        on_batch(done)
    count = len(batches)
    return {
        one: Measured(low, high, mean / count, square / count)
        for one, (low, high, mean, square) in zip(asked, totals, strict=True)
    }


def _joined(old: list[Array], new: list[Array]) -> list[Array]:
    import numpy as np

    return [np.minimum(old[0], new[0]), np.maximum(old[1], new[1]), old[2] + new[2], old[3] + new[3]]
