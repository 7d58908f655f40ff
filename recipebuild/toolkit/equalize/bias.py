"""Bias correction: what rounding a weight adds to a product on average is taken back by the bias behind it.

    y = W x + b    in 8 bits    y' = W' x + b    so    b' = b + E[(W - W') x]    gives    E[y' - y] = 0

with W' the weights as their codes stand for them, and the mean over the calibration set and all places of an output
channel (M. Nagel et al., "Data-Free Quantization through Weight Equalization and Bias Correction", ICCV 2019, arXiv
1906.04721, section 4.2, with E[x] measured rather than derived). The product (W - W') x is computed, not E[x] alone, so
that padding at the edge of a convolution counts as it is. All means are taken of the float model: each bias takes back
the error of its own weights, so one pass over the set does for all layers.

The float function changes by just these errors, so the model is for the compiler alone; what it is compared with stays
as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.equalize.statistics import Wanted, measure
from recipebuild.toolkit.equalize.trial import MOST
from recipebuild.toolkit.graph.model import drop_unused
from recipebuild.toolkit.graph.names import free_name
from recipebuild.toolkit.quantize.numbers import codes, of_weights, values_of
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.view import view

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.equalize.statistics import Array, Measured
    from recipebuild.toolkit.quantize.dataset import Batches
    from recipebuild.toolkit.quantize.plan import Constant, Place, QuantizationPlan

_AT_ONCE = 128 << 20
"""Bytes of rounding errors that go into the model at a time; more means another pass over the calibration set."""


@dataclass(frozen=True)
class Product:
    """A product with stored weights that go through codes.

    Attributes:
        node: Conv, ConvTranspose, Gemm or MatMul.
        weight: Its weights.
        bias: The input that takes its bias, which may have none yet: of Conv and Gemm their own, of MatMul one of Add.
        channels: The axis of its output along which the bias differs.
    """

    node: onnx.NodeProto
    weight: Constant
    bias: Place
    channels: int


@dataclass(frozen=True)
class CorrectedBias:
    """A bias that was corrected.

    Attributes:
        tensor: What the product gives.
        channels: How many output channels there are.
        gain: How much less noise of its weights the product has, in dB, on the calibration set.
    """

    tensor: str
    channels: int
    gain: float


@dataclass(frozen=True)
class Corrected:
    """A model with corrected biases.

    Attributes:
        model: It: the same operators with other constants.
        biases: What was corrected, in the graph's order.
        refused: How many products were left as they are, by the reason.
    """

    model: onnx.ModelProto
    biases: tuple[CorrectedBias, ...]
    refused: Mapping[str, int]


def corrected(
    model: onnx.ModelProto,
    prepared: onnx.ModelProto,
    layers: Sequence[Mapping[str, Any]],
    batches: Batches,
    on_batch: Callable[[int], None] = lambda done: None,
) -> Corrected:
    """Correct the biases of a copy of the model.

    Args:
        model: In float32.
        prepared: What ``prepare`` makes of it.
        layers: Precisions other than U8, in Pulsar2's words.
        batches: The calibration set as the model's inputs.
        on_batch: Called with the number of batches that are done, once or several times for each.

    Raises:
        StepError: If ONNX Runtime cannot run the model.
    """
    products, refused = products_of(prepared, planned(prepared, layers))
    errors = [e for group in _groups(products, prepared) for e in _errors(prepared, group, batches, on_batch)]
    means = [(product, error.mean) for product, error in zip(products, errors, strict=True)]
    return Corrected(
        _with_biases(model, prepared, means),
        tuple(_report(product, error) for product, error in zip(products, errors, strict=True)),
        refused,
    )


def products_of(prepared: onnx.ModelProto, plan: QuantizationPlan) -> tuple[list[Product], Counter[str]]:
    """The products whose bias can be corrected, in the graph's order; and why others cannot, with how many they are."""
    graph, refused = view(prepared), Counter[str]()
    of_weight = {bias.weight: place for place, bias in plan.biases.items()}
    products = []
    for node in graph.nodes:
        weight = plan.constants.get((node.name, 1))
        if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul") or weight is None or weight.type == "FP32":
            continue
        own = None if node.op_type == "MatMul" else (node.name, 2)
        place = of_weight.get((node.name, 1), own)
        shape = graph.shapes.get(node.output[0], ())
        axis = 1 if node.op_type in ("Conv", "ConvTranspose") else len(shape) - 1
        if place is None:
            refused["no bias is added to the product"] += 1
        elif not shape or not shape[axis]:
            refused["the shape of the product is not known"] += 1
        elif place == own and place not in plan.biases and "".join(node.input[2:]):
            refused["the bias is computed"] += 1
        elif place in plan.biases and list(graph.constants[plan.biases[place].tensor].dims) != [shape[axis]]:
            refused["the bias is not one number per output channel"] += 1
        elif any(attribute.name in ("alpha", "beta") and attribute.f != 1 for attribute in node.attribute):
            refused["the product is scaled"] += 1
        else:
            products.append(Product(node, weight, place, axis))
    return products, refused


def _groups(products: Sequence[Product], prepared: onnx.ModelProto) -> Iterator[list[Product]]:
    """The products in parts whose weights fit into the model once more."""
    sizes = {tensor.name: tensor.ByteSize() for tensor in prepared.graph.initializer}
    group: list[Product] = []
    for product in products:
        if group and sum(sizes[each.weight.tensor] for each in [*group, product]) > _AT_ONCE:
            yield group
            group = []
        group.append(product)
    if group:
        yield group


def _errors(
    prepared: onnx.ModelProto, products: Sequence[Product], batches: Batches, on_batch: Callable[[int], None]
) -> list[Measured]:
    """(W - W') x of each product, by channel of its output: the same product, of rounding errors for weights."""
    import onnx
    from onnx import numpy_helper

    stored = {tensor.name: tensor for tensor in prepared.graph.initializer}
    model = onnx.ModelProto()
    model.CopyFrom(prepared)
    twins: dict[str, onnx.NodeProto] = {}
    for number, product in enumerate(products):
        weights = numpy_helper.to_array(stored[product.weight.tensor])
        parameters = of_weights(product.weight.type, weights, product.weight.axis)
        lost = weights - values_of(codes(weights, parameters), parameters)
        name = f"bias_correction_{number}"
        model.graph.initializer.append(numpy_helper.from_array(lost, f"{name}_weights"))
        twin = twins[product.node.output[0]] = onnx.NodeProto()
        twin.CopyFrom(product.node)
        twin.name = name
        twin.input[:] = [product.node.input[0], f"{name}_weights"]
        twin.output[:] = [f"{name}_error"]
    del model.graph.node[:]
    for node in prepared.graph.node:
        model.graph.node.extend([node, *([twins[node.output[0]]] if node.output[0] in twins else [])])
    shapes = view(prepared).shapes
    ranks = {twin.output[0]: len(shapes[output]) for output, twin in twins.items()}
    wanted = [Wanted(twins[product.node.output[0]].output[0], (product.channels,)) for product in products]
    measured = measure(model, wanted, ranks.__getitem__, batches, on_batch)
    return [measured[one] for one in wanted]


def _with_biases(
    model: onnx.ModelProto, prepared: onnx.ModelProto, means: Sequence[tuple[Product, Array]]
) -> onnx.ModelProto:
    """A copy of the model whose biases take back these means; a bias that others take, too, stays as it is for them."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    stored = {tensor.name: tensor for tensor in prepared.graph.initializer}
    output = {node.name: node.output[0] for node in prepared.graph.node}
    nodes = {node.output[0]: node for node in copy.graph.node}  # those of the copy may have no names
    taken: set[str | None] = {tensor.name for tensor in copy.graph.initializer}
    taken.update(name for node in copy.graph.node for name in node.output)
    for product, mean in means:
        name, position = product.bias
        node = nodes[output[name]]
        while len(node.input) <= position:
            node.input.append("")
        old = node.input[position]
        before = numpy_helper.to_array(stored[old]).astype(np.float64) if old else np.zeros(mean.shape)
        new = free_name(f"{old or f'{output[name]}_bias'}_corrected", taken)
        copy.graph.initializer.append(numpy_helper.from_array((before + mean).astype(np.float32), new))
        node.input[position] = new
    drop_unused(copy)
    return copy


def _report(product: Product, error: Measured) -> CorrectedBias:
    """What the correction wins: of the noise's power, the square of its mean is gone."""
    import numpy as np

    whole = float(error.square.sum())
    left = whole - float(np.square(error.mean).sum())
    gain = 10 * np.log10(whole / left) if left > 0 else MOST if whole > 0 else 0.0
    return CorrectedBias(product.node.output[0], len(error.mean), round(min(float(gain), MOST), 3))
