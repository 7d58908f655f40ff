"""What each block of a model loses by 8 bits, and would win by 16: by experiment, in one session.

Use: ``sensitivity(model, quantized, twins, groups, output, batches)["encoder.block.0"].alone.snr_db``.

The quantized model gets a switch for each block: an input that tells whether its layers take their activations clipped
to the range of the codes, and not rounded to them. 16 bits have steps 257 times finer than 8 over the same range: for
this purpose, that is a layer in 16 bit. Weights stay 8 bits wide, as they do in Pulsar2's 16-bit layers. Nothing is
quantized, calibrated or built anew: two runs of the model for each block and image are all.

    alone      only this block is in 8 bit: what it costs by itself. The sensitivity analysis of H. Wu et al.,
               "Integer Quantization for Deep Learning Inference", arXiv:2004.09602, section 6.1.
    without    all blocks but this one are: what leaving it in 16 bit wins, as the model is.

Where several blocks are bad, ``alone`` tells them all, while ``without`` any of them looks no better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.analysis.session import Session, giving
from recipebuild.analysis.twins import CODES, Twin, stem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.analysis.blocks import Block
    from recipebuild.analysis.compared import Compared
    from recipebuild.quantize.dataset import Batch

    Array = npt.NDArray[np.float32]

_SWITCH = "wide/"


@dataclass(frozen=True)
class Effect:
    """What the model's output is like, against the float model's.

    Attributes:
        noise: sum((a - b)^2) / sum(a^2) of the compared tensor, over all images.
        agreement: The fraction of places (0..1) with the same ArgMax over the classes; ``None`` without classes.
    """

    noise: float
    agreement: float | None


@dataclass(frozen=True)
class Sensitivity:
    """A block's effect on the output, quantized alone, and left out."""

    alone: Effect
    without: Effect


@dataclass(frozen=True)
class Sensitivities:
    """What was found.

    Attributes:
        full: With all blocks quantized: the model as it is.
        none: With none: what is lost by weights.
        blocks: Of each block, by its name.
    """

    full: Effect
    none: Effect
    blocks: Mapping[str, Sensitivity]


def sensitivity(
    model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    twins: Mapping[str, Twin],
    groups: Sequence[Block],
    output: Compared,
    batches: Iterable[Batch],
    on_run: Callable[[int], None] = lambda _: None,
) -> Sensitivities:
    """The effect of each block.

    Args:
        model: The float model.
        quantized: The quantized one.
        twins: What ``find_twins`` gives for them.
        groups: The blocks; all layers are in one.
        output: The tensor to compare.
        batches: The models' input, float32.
        on_run: Told how many runs are done, of ``len(batches) * (2 * len(groups) + 2)``.

    Raises:
        StepError: If ONNX Runtime cannot run the models.
    """
    import numpy as np

    fed = model.graph.input[0].name
    twin, axis = output.twin, output.class_axis
    reference = Session(giving(model, [twin.values]), [twin.values])
    switched = Session(_with_switches(quantized, twins, model, groups, twin.seen), [twin.seen])
    names = [block.name for block in groups]
    one_narrow, one_wide = [{name} for name in names], [set(names) - {name} for name in names]
    runs: list[set[str]] = [set(), set(names), *one_narrow, *one_wide]
    sums = np.zeros((len(runs), 2))
    energy = places = done = 0.0
    for batch in batches:
        expected = reference({fed: batch})[0]
        energy += float(np.square(expected, dtype=np.float64).sum())
        classes = expected.argmax(axis) if axis is not None else None
        places += classes.size if classes is not None else 0
        for number, narrow in enumerate(runs):
            wide = {_SWITCH + name: np.array(name not in narrow) for name in names}
            got = switched({fed: batch, **wide})[0]
            sums[number, 0] += np.square(expected - got, dtype=np.float64).sum()
            if classes is not None:
                sums[number, 1] += (got.argmax(axis) == classes).sum()
            done += 1
            on_run(int(done))
    effects = [Effect(float(d) / (energy or 1.0), float(s) / places if places else None) for d, s in sums]
    none, full, *rest = effects
    pairs = zip(rest[: len(names)], rest[len(names) :], strict=True)
    return Sensitivities(full, none, {name: Sensitivity(*pair) for name, pair in zip(names, pairs, strict=True)})


def _with_switches(
    quantized: onnx.ModelProto, twins: Mapping[str, Twin], model: onnx.ModelProto, groups: Sequence[Block], output: str
) -> onnx.ModelProto:
    """The quantized model with an input for each block that lets its layers take activations as they are."""
    import onnx
    from onnx import helper, numpy_helper

    block_of_layer = {layer: block.name for block in groups for layer in block.layers}
    block_of = {}
    for node in model.graph.node:
        for name in node.output:
            if name in twins:
                block_of[twins[name].raw] = block_of_layer[node.name]
    switched = giving(quantized, [output])
    producers = {name: node for node in quantized.graph.node for name in node.output}
    stored = {tensor.name: tensor for tensor in quantized.graph.initializer}
    del switched.graph.node[:]
    made: set[str] = set()
    for node in quantized.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        block = next((block_of[name] for name in node.output if name in block_of), None)
        for index, name in enumerate(node.input):
            source = stem(name, producers)
            if node.op_type in CODES or block is None or source == name or source in stored:
                continue
            copy.input[index] = f"{_SWITCH}{block}/{name}"
            if copy.input[index] not in made:
                made.add(copy.input[index])
                clipped = f"{copy.input[index]}/clipped"
                ends = [f"{clipped}/{end}" for end in ("low", "high")]
                for end, value in zip(ends, _range(name, producers, stored), strict=True):
                    switched.graph.initializer.append(numpy_helper.from_array(value, end))
                switched.graph.node.append(helper.make_node("Clip", [source, *ends], [clipped]))
                choice = [_SWITCH + block, clipped, name]
                switched.graph.node.append(helper.make_node("Where", choice, [copy.input[index]]))
        switched.graph.node.append(copy)
    for each in groups:
        switched.graph.input.append(helper.make_tensor_value_info(_SWITCH + each.name, onnx.TensorProto.BOOL, []))
    return switched


def _range(
    name: str, producers: Mapping[str, onnx.NodeProto], stored: Mapping[str, onnx.TensorProto]
) -> tuple[Array, Array]:
    """The values that the codes which ``name`` is dequantized from reach: what is beyond is clipped.

    This is part of what the codes mean: a Relu in front of them is left out where they begin at zero.
    """
    import numpy as np
    from onnx import numpy_helper

    low, high = np.float32(-np.inf), np.float32(np.inf)
    while (node := producers.get(name)) is not None and node.op_type in CODES:
        if node.op_type == "QuantizeLinear":
            scale, zero = (numpy_helper.to_array(stored[it]) for it in node.input[1:3])
            codes = np.iinfo(zero.dtype)
            low = max(low, np.float32((codes.min - np.float64(zero)) * scale))
            high = min(high, np.float32((codes.max - np.float64(zero)) * scale))
        name = node.input[0]
    return np.array(low), np.array(high)
