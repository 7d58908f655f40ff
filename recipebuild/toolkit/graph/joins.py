"""What Concat joins: operators, and in outputs of the model the ranges of tensors, ``unlike(path, feeds)``.

A Concat has one scale for all that it joins. Boxes in 0..640 joined with scores in 0..1 have steps of 2.5: every score
becomes 0 (GitHub AXERA-TECH/Magnetar, yolo).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.files import EXTERNAL_DATA_OVER, load, size
from recipebuild.toolkit.graph.layers import MOVES
from recipebuild.toolkit.graph.session_options import session_options

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

RATIO = 50.0
"""Of ranges, above which the narrow one keeps 5 of 256 steps or fewer."""


@dataclass(frozen=True)
class Join:
    """An output that joins tensors.

    Attributes:
        output: Its name.
        concat: The node that joins them.
        tensors: What it joins, without constants; through Concat nodes that stand before it.
    """

    output: str
    concat: str
    tensors: tuple[str, ...]


def joins(model: onnx.ModelProto) -> list[Join]:
    """The float outputs of a model that come out of a Concat, with nothing behind it but what moves data."""
    import onnx

    producers = {name: node for node in model.graph.node for name in node.output}
    candidates = []
    for output in model.graph.output:
        if output.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            continue
        node = _behind_moves(output.name, producers)
        if node is not None and node.op_type == "Concat":
            tensors = tuple(dict.fromkeys(_joined(node, producers)))
            candidates.append(Join(output.name, node.name or output.name, tensors))
    return [join for join in candidates if len(join.tensors) > 1]


def joined_operators(model: onnx.ModelProto) -> dict[str, tuple[str, ...]]:
    """Of each Concat, by its name, the operators whose results it joins, whatever only moves data between."""
    producers = {name: node for node in model.graph.node for name in node.output}
    operators = {}
    for node in model.graph.node:
        if node.op_type == "Concat":
            joined = [_behind_moves(name, producers) for name in node.input]
            operators[node.name or node.output[0]] = tuple(each.op_type for each in joined if each is not None)
    return operators


def unlike(path: Path, feeds: Iterable[Mapping[str, npt.NDArray[Any]]]) -> list[str]:
    """A sentence for each output that joins tensors whose ranges differ by more than ``RATIO``.

    Args:
        path: The float model. Nothing is run if no output joins anything, or if it is over 2 GiB.
        feeds: The calibration set as the model's inputs, gone through once.

    Raises:
        StepError: If ONNX Runtime cannot run the model.
    """
    concats = joins(load(path, weights=False))
    if not concats or size(path) > EXTERNAL_DATA_OVER:
        return []
    ranges = _ranges(load(path), sorted({name for join in concats for name in join.tensors}), feeds)
    sentences = []
    for join in concats:
        widths = {name: ranges[name][1] - ranges[name][0] for name in join.tensors}
        wide, narrow = max(widths, key=widths.__getitem__), min(widths, key=widths.__getitem__)
        if widths[wide] > RATIO * widths[narrow] > 0:
            steps = 255 * widths[narrow] / widths[wide]
            spans = [f"{name} ({ranges[name][0]:.4g} to {ranges[name][1]:.4g})" for name in (wide, narrow)]
            sentences.append(
                f"the output {join.output} joins {spans[0]} and {spans[1]} with one scale, which leaves {steps:.1f} of "
                f"255 steps to {narrow}; end the model before {join.concat}, with an output for each"
            )
    return sentences


def _behind_moves(tensor: str, producers: Mapping[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    node = producers.get(tensor)
    while node is not None and node.op_type in MOVES:
        node = producers.get(node.input[0])
    return node


def _joined(concat: onnx.NodeProto, producers: Mapping[str, onnx.NodeProto]) -> Iterable[str]:
    for name in concat.input:
        node = _behind_moves(name, producers)
        if node is not None and node.op_type == "Concat":
            yield from _joined(node, producers)
        elif name in producers and producers[name].op_type != "Constant":
            yield name


def _ranges(
    model: onnx.ModelProto, names: list[str], feeds: Iterable[Mapping[str, npt.NDArray[Any]]]
) -> dict[str, tuple[float, float]]:
    """The extremes of tensors, widened to contain 0, as quantized ranges are."""
    import onnx
    import onnxruntime as ort

    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    options = session_options()
    ranges = dict.fromkeys(names, (0.0, 0.0))
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        for feed in feeds:
            for name, value in zip(names, session.run(names, dict(feed)), strict=True):
                low, high = ranges[name]
                ranges[name] = min(low, float(value.min())), max(high, float(value.max()))
    except Exception as error:  # ONNX Runtime's errors have no other base in common
        raise StepError(f"ONNX Runtime cannot measure what outputs join: {reason(error)}") from error
    return ranges
