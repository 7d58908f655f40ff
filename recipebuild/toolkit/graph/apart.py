"""A model that gives the same in less memory: channels are not joined for a convolution, which is done part by part.

    Conv(Concat(a, b)) = Conv_a(a) + Conv_b(b), each with its share of the weights

The joined tensor, and at the same time all that goes into it, need not be there: in the decoder of SegFormer-B2 at
1024x1024 that is 805 MB twice. It is for runs whose result is compared, and changes nothing that is built.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import onnx

LARGE = 1 << 28
"""Bytes of a joined tensor from which on it is not made."""


def take_apart(model: onnx.ModelProto, large: int = LARGE) -> int:
    """Do without joined tensors of at least ``large`` bytes, in place, where a convolution alone reads them.

    Args:
        model: With shapes of its tensors; what has its weights in another file stays as it is.
        large: In bytes of float32.

    Returns:
        How many convolutions are done part by part now.
    """
    convs = list(_over_joins(model, large))
    for each in convs:
        _part(model, each)
    return len(convs)


class _Joined(NamedTuple):
    """A convolution, what it reads, its weights [out, in, ...], and how many channels come from each part."""

    conv: onnx.NodeProto
    join: onnx.NodeProto
    weights: onnx.TensorProto
    channels: list[int]


def _over_joins(model: onnx.ModelProto, large: int) -> Iterator[_Joined]:
    read = Counter(name for node in model.graph.node for name in node.input)
    read.update(value.name for value in model.graph.output)
    shapes = {
        value.name: [each.dim_value for each in value.type.tensor_type.shape.dim] for value in model.graph.value_info
    }
    inline = {tensor.name: tensor for tensor in model.graph.initializer if tensor.raw_data}
    joins = {node.output[0]: node for node in model.graph.node if _number(node, "axis") == 1}
    for node in model.graph.node:
        if node.op_type != "Conv" or _number(node, "group", 1) != 1 or node.input[1] not in inline:
            continue
        join = joins.get(node.input[0])
        if join is None or join.op_type != "Concat" or read[node.input[0]] != 1 or not shapes.keys() >= {*join.input}:
            continue
        channels = [shapes[name][1] for name in join.input]
        if all(channels) and 4 * math.prod(shapes.get(node.input[0], [0])) >= large:
            yield _Joined(node, join, inline[node.input[1]], channels)


def _number(node: onnx.NodeProto, name: str, default: int | None = None) -> int | None:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)


def _part(model: onnx.ModelProto, joined: _Joined) -> None:
    import numpy as np
    from onnx import helper, numpy_helper

    conv, join, weights, channels = joined
    result = conv.output[0]
    added: list[onnx.NodeProto] = []
    total = ""
    shares = np.split(numpy_helper.to_array(weights), np.cumsum(channels)[:-1], axis=1)
    for number, (name, share) in enumerate(zip(join.input, shares, strict=True)):
        own, part = f"{result}/weights{number}", f"{result}/part{number}"
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(share), own))
        added.append(helper.make_node("Conv", [name, own, *(conv.input[2:] if number == 0 else ())], [part]))
        added[-1].attribute.extend(conv.attribute)
        if number:
            total, before = (result if number == len(shares) - 1 else f"{result}/sum{number}"), total
            added.append(helper.make_node("Add", [before, part], [total]))
        else:
            total = part
    nodes = [part for node in model.graph.node if node is not join for part in (added if node is conv else [node])]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.remove(weights)
