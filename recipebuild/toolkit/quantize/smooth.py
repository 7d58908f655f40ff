"""SmoothQuant: outliers of activations move into the weights behind them. The float model's function stays as it is.

For a LayerNormalization with gain g and shift b, and the linear layers W that take its output X,

    X W = (X / s) (s W),   X / s = LayerNormalization with g / s and b / s

for any positive s per channel; s_j = max|X_j|^strength / max|W_j|^(1 - strength) evens out the difficulty (G. Xiao et
al., "SmoothQuant", ICML 2023, arXiv 2211.10438, equation 4, with alpha for the strength).

A LayerNormalization takes part if its channels differ much: if the median of max|X_j| is less than ``threshold`` times
the largest. Pulsar2 says of its threshold that more operators take part the larger it is, and no more; so this is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.model import drop_unused, opset_of
from recipebuild.toolkit.quantize.probe import Probe
from recipebuild.toolkit.quantize.view import Taken, View, view

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batches
    from recipebuild.toolkit.quantize.numbers import Array


@dataclass(frozen=True)
class _Site:
    """A LayerNormalization and what takes its output.

    Attributes:
        node: It.
        weights: The linear layers' weights: the input that takes one, and the axis of the input channels in it.
    """

    node: onnx.NodeProto
    weights: tuple[tuple[Taken, int], ...]


def smoothed(
    model: onnx.ModelProto,
    batches: Batches,
    threshold: float,
    strength: float,
    on_batch: Callable[[int], None] = lambda _: None,
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """A copy of the model with the same function, and the names of the LayerNormalizations that took part.

    Args:
        model: What ``prepare`` gives.
        batches: The model's inputs.
        threshold: 0 to 1; the larger, the more LayerNormalizations take part.
        strength: 0 to 1; how much of the difficulty goes to the weights.
        on_batch: Told how many batches are done.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper

    graph = view(model)
    sites = [site for node in graph.nodes if (site := _site(node, graph)) is not None]
    largest = _channel_maxima(model, graph, sites, batches, on_batch)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes = {node.name: node for node in copy.graph.node}
    stored = {name: numpy_helper.to_array(tensor) for name, tensor in graph.constants.items()}
    taken = {*stored, *graph.users, *graph.producer}
    done = []

    def replace(node: str, position: int, values: Array) -> None:
        name = f"{nodes[node].input[position]}_smoothed"
        while name in taken:
            name += "_"
        taken.add(name)
        copy.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        nodes[node].input[position] = name

    for site in sites:
        maxima = largest[site.node.name]
        if not np.median(maxima) < threshold * maxima.max():
            continue
        scale = _scale(maxima, site, stored, strength)
        for position in range(1, len(site.node.input)):
            replace(site.node.name, position, stored[site.node.input[position]] / scale)
        for use, axis in site.weights:
            weight = stored[use.node.input[use.position]]
            replace(use.node.name, use.position, weight * scale.reshape(_along(axis, weight.ndim)))
        done.append(site.node.name)
    drop_unused(copy)
    return copy, tuple(done)


def _site(node: onnx.NodeProto, graph: View) -> _Site | None:
    """A LayerNormalization over the last axis whose output goes to linear layers with constant weights only."""
    rank = graph.rank(node.output[0])
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
    if node.op_type != "LayerNormalization" or rank is None or axis not in (-1, rank - 1):
        return None
    if any(name not in graph.constants for name in node.input[1:] if name):
        return None
    weights = _behind(node.output[0], rank - 1, graph)
    return _Site(node, tuple(weights)) if weights else None


def _behind(name: str, axis: int, graph: View) -> list[tuple[Taken, int]] | None:
    """The weights that a tensor is multiplied with, its channels being on ``axis``; ``None`` if it has other uses."""
    places: list[tuple[Taken, int]] = []
    if name in graph.outputs:
        return None
    for use in graph.users.get(name, ()):
        node = use.node
        moved = _moved(node, axis, graph) if use.position == 0 else None
        if moved is not None:
            further = _behind(node.output[0], moved, graph)
            if further is None:
                return None
            places += further
        elif use.position == 0 and (at := _input_channels(node, axis, graph)) is not None:
            places.append((Taken(node, 1), at))
        else:
            return None
    return places


def _moved(node: onnx.NodeProto, axis: int, graph: View) -> int | None:
    """Where the channels are behind a node that moves data; ``None`` if it is none, or takes them apart."""
    before, after = graph.rank(node.input[0]), graph.rank(node.output[0])
    if node.op_type == "Transpose" and before is not None:
        order = next(
            (list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"),
            list(reversed(range(before))),
        )
        return order.index(axis)
    if node.op_type == "Reshape" and before is not None and after is not None:
        channels = graph.shapes[node.input[0]][axis]
        kept = axis == before - 1 and after > 0 and graph.shapes[node.output[0]][-1] == channels > 0
        return after - 1 if kept else None
    return None


def _input_channels(node: onnx.NodeProto, axis: int, graph: View) -> int | None:
    """The axis of a linear layer's constant weight that is multiplied with ``axis`` of its input."""
    weight = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    rank = graph.rank(node.input[0])
    if weight is None or rank is None:
        return None
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == "MatMul" and axis == rank - 1 and len(weight.dims) > 1:
        return len(weight.dims) - 2
    if node.op_type == "Gemm" and axis == 1 and not attributes.get("transA"):
        return 1 if attributes.get("transB") else 0
    if node.op_type == "Conv" and axis == 1 and attributes.get("group", 1) == 1:
        return 1
    return None


def _channel_maxima(
    model: onnx.ModelProto, graph: View, sites: Sequence[_Site], batches: Batches, on_batch: Callable[[int], None]
) -> dict[str, Array]:
    """max|X_j| of each site's output, float32 [channels], over all batches."""
    import numpy as np
    from onnx import helper, numpy_helper

    if not sites:
        return {}
    opset = opset_of(model)
    after, constants = {}, []
    outputs = [f"recipebuild_channels_{i}" for i in range(len(sites))]
    for site, output in zip(sites, outputs, strict=True):
        name = site.node.output[0]
        axes = list(range(len(graph.shapes[name]) - 1))
        inputs, attributes = [f"{output}_abs"], {"axes": axes}
        if opset >= 18:  # from there on an input
            constants.append(numpy_helper.from_array(np.array(axes, np.int64), f"{output}_axes"))
            inputs, attributes = [*inputs, constants[-1].name], {}
        after[name] = [
            helper.make_node("Abs", [name], [f"{output}_abs"]),
            helper.make_node("ReduceMax", inputs, [output], keepdims=0, **attributes),
        ]
    probe = Probe(model, after, outputs, constants)
    maxima: list[Array] = []
    for done, batch in enumerate(batches, 1):
        largest = probe(batch)
        maxima = [np.maximum(a, b) for a, b in zip(maxima, largest, strict=True)] if maxima else largest
        on_batch(done)
    return {site.node.name: values for site, values in zip(sites, maxima, strict=True)}


def _scale(largest: Array, site: _Site, stored: Mapping[str, Array], strength: float) -> Array:
    """s, float32 [channels]; 1 for channels that are 0 throughout, or multiplied with 0."""
    import numpy as np

    weights = np.zeros_like(largest)
    for use, axis in site.weights:
        values = np.abs(stored[use.node.input[use.position]])
        weights = np.maximum(weights, values.max(axis=tuple(i for i in range(values.ndim) if i != axis)))
    used = (largest > 0) & (weights > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = largest.astype(np.float64) ** strength / weights.astype(np.float64) ** (1 - strength)
    return np.where(used, scale, 1).astype(np.float32)


def _along(axis: int, rank: int) -> list[int]:
    return [-1 if i == axis else 1 for i in range(rank)]
