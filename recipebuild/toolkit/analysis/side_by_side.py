"""One graph that has a float model and its quantized twin side by side, so that tensors can be compared as they come.

It has three parts, in which each tensor is there under another name:

    name            the float model
    e2e/name        the quantized model from end to end: each layer takes what the quantized layer before it gave
    one/name        each quantized layer by itself: it takes the float model's tensors, quantized

The second and third are the senses of Pulsar2's precision analysis, EndToEnd and PerLayer
(docs of Pulsar2, user_guides_advanced/advanced_build_guides, "layer by layer").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from recipebuild.toolkit.analysis.tensor_pairs import CODES, Twin

if TYPE_CHECKING:
    import onnx

END_TO_END = "e2e/"
ALONE = "one/"
_TAKEN = "in/"
"""In the third part: the float model's tensor as the quantized layers take it."""
_STORED = "q/"
"""Weights of the quantized model."""


def side_by_side(
    model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    twins: Mapping[str, Twin],
    measure: Callable[[Twin], Iterable[onnx.NodeProto]],
) -> onnx.ModelProto:
    """The graph with all three parts, each tensor measured as soon as it is there in all of them; without outputs.

    Args:
        model: The float model.
        quantized: The quantized one, whose inputs have the same names.
        twins: What ``find_twins`` gives.
        measure: The nodes that measure a tensor.
    """
    import onnx

    combined = onnx.ModelProto()
    combined.CopyFrom(model)
    del combined.graph.node[:], combined.graph.output[:], combined.graph.value_info[:]
    _cover_opsets(combined, quantized)
    builder = _Builder(combined.graph, model.graph, quantized.graph, twins)
    waiting = dict(twins)
    measured: set[str] = set()
    for nodes in builder.steps():
        combined.graph.node.extend(nodes)
        for name in [tensor for tensor, twin in waiting.items() if builder.has(twin)]:
            measuring = list(measure(waiting.pop(name)))
            combined.graph.node.extend(measuring)
            measured.update(name for node in measuring for name in node.output)
    _remove_unused(combined.graph, measured)
    return combined


def _remove_unused(graph: onnx.GraphProto, wanted: Collection[str]) -> None:
    """Remove the nodes that nothing wanted comes from: codes, for one, that nothing takes."""
    needed = set(wanted)
    kept = []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            kept.append(node)
            needed.update(node.input)
    kept.reverse()
    del graph.node[:]
    graph.node.extend(kept)


def of(part: str, name: str, fed: Collection[str]) -> str:
    """The name of a tensor in one of the parts; the inputs, ``fed``, are the same for all."""
    return name if name in fed else part + name


def _cover_opsets(target: onnx.ModelProto, other: onnx.ModelProto) -> None:
    """Let ``target`` hold the operators of ``other``, too."""
    versions = {opset.domain: opset for opset in target.opset_import}
    for opset in other.opset_import:
        if opset.domain not in versions:
            target.opset_import.add().CopyFrom(opset)
        else:
            versions[opset.domain].version = max(versions[opset.domain].version, opset.version)
    target.ir_version = max(target.ir_version, other.ir_version)


class _Builder:
    """The nodes of all parts, in an order in which what is compared comes close together."""

    def __init__(
        self,
        target: onnx.GraphProto,
        model: onnx.GraphProto,
        quantized: onnx.GraphProto,
        twins: Mapping[str, Twin],
    ) -> None:
        import onnx

        self._float = iter(model.node)
        self._quantized = quantized.node
        self._dequantized = {name for node in quantized.node if node.op_type in CODES for name in node.output}
        self._done = {value.name for value in model.input} | {"", *(tensor.name for tensor in model.initializer)}
        self._fed = {value.name for value in quantized.input}
        self._meant = {twin.raw: twin.values for twin in twins.values()}
        self._stored = set()
        for tensor in quantized.initializer:
            target.initializer.add().CopyFrom(tensor)
            target.initializer[-1].name = _STORED + tensor.name
            self._stored.add(tensor.name)
            self._fed.discard(tensor.name)
        self._proto = onnx.NodeProto

    def has(self, twin: Twin) -> bool:
        """Whether a tensor is there in all parts."""
        return {twin.values, of(END_TO_END, twin.seen, self._fed), of(ALONE, twin.seen, self._fed)} <= self._done

    def steps(self) -> Iterable[list[onnx.NodeProto]]:
        """Some nodes at a time: those for one node of the quantized model, and what is left of the float one."""
        for node in self._quantized:
            if all(name in self._stored or not name for name in node.input):
                self._stored.update(node.output)
                yield self._emit([self._renamed(node, lambda name: _STORED + name)])
                continue
            nodes = [self._renamed(node, lambda name: of(END_TO_END, name, self._fed))]
            if node.op_type in CODES:
                nodes.append(self._renamed(node, self._taken, lambda name: _TAKEN + name))
                nodes.append(self._renamed(node, lambda name: of(ALONE, name, self._fed)))
            else:
                nodes.append(self._renamed(node, self._taken, lambda name: ALONE + name))
            yield self._emit(nodes)
        yield self._emit(list(self._float))

    def _emit(self, nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
        """The nodes, and before them those of the float model that they need."""
        before = []
        made = {name for node in nodes for name in node.output}
        needed = {name for node in nodes for name in node.input} - made
        while not needed <= self._done and (node := next(self._float, None)) is not None:
            before.append(node)
            self._done.update(node.output)
        self._done |= made
        return [*before, *nodes]

    def _taken(self, name: str) -> str:
        """What a layer takes in the third part in place of a tensor: the float model's, where it has that."""
        return self._meant.get(name) or of(_TAKEN if name in self._dequantized else ALONE, name, self._fed)

    def _renamed(
        self, node: onnx.NodeProto, taken: Callable[[str], str], output_name: Callable[[str], str] | None = None
    ) -> onnx.NodeProto:
        output_name = output_name or taken
        copy = self._proto()
        copy.CopyFrom(node)
        copy.name = output_name(node.output[0])
        copy.input[:] = [name and (_STORED + name if name in self._stored else taken(name)) for name in node.input]
        copy.output[:] = [
            name and (_STORED + name if name in self._stored else output_name(name)) for name in node.output
        ]
        return copy
