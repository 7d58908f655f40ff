"""What each block of a model loses by 8 bits, and would win by 16: by experiment, in one session.

    board = Switchboard(model, quantized, twins, output, batches)
    found = sensitivity(board, blocks(model, modules, 16), at_most=32)

The quantized model gets a switch for each layer: an input that tells whether the layer takes its activations clipped to
the range of the codes, and not rounded to them. 16 bits have steps 257 times finer than 8 over the same range: for this
purpose, that is a layer in 16 bit. What only moves data never rounds: it has the type of what uses it. Weights stay 8
bits wide, as they do in Pulsar2's 16-bit layers. Nothing is quantized, calibrated or built anew: two or three runs of
the model for each block and image are all.

    alone      only this block is in 8 bit: what it costs by itself. The sensitivity analysis of H. Wu et al.,
               "Integer Quantization for Deep Learning Inference", arXiv:2004.09602, section 6.1.
    without    all blocks but this one are: what leaving it in 16 bit wins, as the model is.

Where several blocks are bad, ``alone`` tells them all, while ``without`` any of them looks no better. Blocks that lose
much are opened into their parts, down to single layers, as long as there may be more blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.analysis.blocks import NetworkBlock, opened
from recipebuild.toolkit.analysis.session import OrtSession, feed, giving
from recipebuild.toolkit.analysis.tensor_pairs import CODES, Twin, stem
from recipebuild.toolkit.graph.layers import MOVES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.analysis.compared import Compared
    from recipebuild.toolkit.quantize.dataset import Batch

    Array = npt.NDArray[np.float32]

_SWITCH = "wide/"
_WORTH_OPENING = 0.005
"""Of what all blocks lose, the share that a block must lose to be looked into."""


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

    block: NetworkBlock
    alone: Effect
    without: Effect


@dataclass(frozen=True)
class Sensitivities:
    """What was found.

    Attributes:
        full: With all layers quantized: the model as it is.
        none: With none: what is lost by weights.
        blocks: Of each block, that with most to win first.
    """

    full: Effect
    none: Effect
    blocks: tuple[Sensitivity, ...]


class Switchboard:
    """A quantized model in which each layer can be in 8 or in 16 bit.

    Args:
        model: The float model.
        quantized: The quantized one.
        twins: What ``find_twins`` gives for them.
        output: The tensor to compare.
        batches: The models' only input, float32, or arrays by the names of several; kept in
            memory, with what the float model gives for it.

    Raises:
        StepError: If ONNX Runtime cannot run the models.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        quantized: onnx.ModelProto,
        twins: Mapping[str, Twin],
        output: Compared,
        batches: Iterable[Batch | Mapping[str, Any]],
    ) -> None:
        import numpy as np

        twin = output.twin
        self.layers = [node.name for node in model.graph.node if node.op_type not in MOVES]
        self._axis = output.class_axis
        reference = OrtSession(giving(model, [twin.values]), [twin.values])
        fed = [feed(model, batch) for batch in batches]
        self._pairs = [(each, reference(each)[0]) for each in fed]
        self._energy = sum(float(np.square(right, dtype=np.float64).sum()) for _, right in self._pairs) or 1.0
        switched, self._switches = _with_switches(model, quantized, twins, twin.seen)
        self._session = OrtSession(switched, [twin.seen])

    def effect(self, narrow: Collection[str]) -> Effect:
        """The output with the layers of these names in 8 bit, and all others in 16."""
        import numpy as np

        wide = {_SWITCH + name: np.array(name not in narrow) for name in self._switches}
        noise = same = places = 0.0
        for fed, right in self._pairs:
            got = self._session({**fed, **wide})[0]
            noise += float(np.square(right - got, dtype=np.float64).sum())
            if self._axis is not None:
                equal = right.argmax(self._axis) == got.argmax(self._axis)
                same, places = same + float(equal.sum()), places + equal.size
        return Effect(noise / self._energy, same / places if places else None)


def sensitivity(
    board: Switchboard,
    groups: Sequence[NetworkBlock],
    at_most: int,
    on_run: Callable[[int], None] = lambda _: None,
) -> Sensitivities:
    """The effect of each block, and of the parts of those that lose much.

    Args:
        board: The models.
        groups: The blocks to begin with; all layers are in one.
        at_most: How many blocks there may be at the end.
        on_run: Told how many settings are tried; in the end about two and a half for each block.
    """
    done = 0

    def effect(narrow: Collection[str]) -> Effect:
        nonlocal done
        done += 1
        on_run(done)
        return board.effect(narrow)

    everything = frozenset(board.layers)
    none, full = effect(()), effect(everything)
    alone = {block: effect(block.layers) for block in groups}
    least = _WORTH_OPENING * sum(max(0.0, error.noise - none.noise) for error in alone.values())
    while True:
        large = [b for b, error in alone.items() if len(b.members) > 1 and error.noise - none.noise > least]
        fits = [b for b in large if len(alone) - 1 + len(opened(b)) <= at_most]
        worst = max(fits, key=lambda block: alone[block].noise, default=None)
        if worst is None:
            break
        del alone[worst]
        alone |= {part: effect(part.layers) for part in opened(worst)}
    rows = [Sensitivity(block, error, effect(everything - set(block.layers))) for block, error in alone.items()]
    return Sensitivities(full, none, tuple(sorted(rows, key=lambda row: -row.alone.noise)))


def _with_switches(
    model: onnx.ModelProto, quantized: onnx.ModelProto, twins: Mapping[str, Twin], output: str
) -> tuple[onnx.ModelProto, list[str]]:
    """The quantized model with an input for each layer that lets it take activations unrounded; which layers have one.

    Layers are told by what they give, which has the same name in both models.
    """
    import onnx
    from onnx import helper, numpy_helper

    layer_of = {twins[name].raw: node for node in model.graph.node for name in node.output if name in twins}
    switched = giving(quantized, [output])
    producers = {name: node for node in quantized.graph.node for name in node.output}
    stored = {tensor.name: tensor for tensor in quantized.graph.initializer}
    clipped: dict[str, str] = {}
    switches: list[str] = []
    del switched.graph.node[:]
    for node in quantized.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        layer = next((layer_of[name] for name in node.output if name in layer_of), None)
        for index, name in enumerate(node.input):
            source = stem(name, producers)
            if node.op_type in CODES or layer is None or source == name or source in stored:
                continue
            if name not in clipped:
                clipped[name] = f"{_SWITCH}clipped/{name}"
                ends = [f"{clipped[name]}/{end}" for end in ("low", "high")]
                for end, value in zip(ends, _range(name, producers, stored), strict=True):
                    switched.graph.initializer.append(numpy_helper.from_array(value, end))
                switched.graph.node.append(helper.make_node("Clip", [source, *ends], [clipped[name]]))
            if layer.op_type in MOVES:
                copy.input[index] = clipped[name]
                continue
            if layer.name not in switches:
                switches.append(layer.name)
                kind = helper.make_tensor_value_info(_SWITCH + layer.name, onnx.TensorProto.BOOL, [])
                switched.graph.input.append(kind)
            copy.input[index] = f"{_SWITCH}{layer.name}/{index}"
            choice = [_SWITCH + layer.name, clipped[name], name]
            switched.graph.node.append(helper.make_node("Where", choice, [copy.input[index]]))
        switched.graph.node.append(copy)
    return switched, switches


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
            scale, zero = (numpy_helper.to_array(stored[tensor]) for tensor in node.input[1:3])
            codes = np.iinfo(zero.dtype)
            low = max(low, np.float32((codes.min - np.float64(zero)) * scale))
            high = min(high, np.float32((codes.max - np.float64(zero)) * scale))
        name = node.input[0]
    return np.array(low), np.array(high)
