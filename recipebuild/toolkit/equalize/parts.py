"""A graph in which tensors whose kinds of tokens differ come in parts, a tensor for each kind.

    changed = in_parts(model, kinds(model), {"residual"})

What works token by token is done to each part. Anything else takes the parts joined again, or the part that it picks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.equalize.tokens import Lengths, by_token, integers_of, run_of, tokens_of, window
from recipebuild.toolkit.graph.model import drop_unused
from recipebuild.toolkit.quantize.view import view

if TYPE_CHECKING:
    import onnx


def in_parts(model: onnx.ModelProto, kinds: Mapping[str, Lengths], apart: Collection[str]) -> onnx.ModelProto:
    """A copy of the model with these tensors in parts.

    A tensor that something takes whole keeps its name, as do operators that are not split.

    Args:
        model: In float32, with the shapes of its tensors.
        kinds: The kinds of tokens that tensors have.
        apart: Those of them that are to be in parts.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    rewriter = _Rewriter(model, kinds, apart)
    for node in model.graph.node:
        rewriter.take(node)
    for value in model.graph.output:
        rewriter.give(value.name)
    del copy.graph.node[:], copy.graph.value_info[:]
    copy.graph.node.extend(rewriter.nodes)
    copy.graph.initializer.extend(rewriter.constants.values())
    drop_unused(copy)
    return onnx.shape_inference.infer_shapes(copy, data_prop=True)


class _Rewriter:
    """Takes over node after node.

    Attributes:
        nodes: The new graph's, in order.
        constants: Those that the new graph has and the old one has not.
    """

    def __init__(self, model: onnx.ModelProto, kinds: Mapping[str, Lengths], apart: Collection[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._graph, self._kinds, self._apart = view(model), kinds, apart
        self._integers = integers_of(model)
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._taken = {*self._stored, *(name for node in model.graph.node for name in (*node.input, *node.output))}
        self._parts: dict[str, list[str]] = {}
        self._slices: dict[tuple[str, Lengths], list[str]] = {}
        self._whole: dict[str, str] = {}

    def take(self, node: onnx.NodeProto) -> None:
        """Take the next node over, in parts where that is wanted."""
        target = node.output[0]
        wanted = target in self._apart or any(name in self._parts for name in node.input)
        if wanted and node.op_type == "Concat" and target in self._kinds:
            each = [self._in_parts(name, self._kinds.get(name, (1,))) for name in node.input]
            self._parts[target] = [part for parts in each for part in parts]
        elif self._is_split(node):
            self._split(node)
        elif not self._is_picked(node):
            own = _copy(node)
            for position, name in enumerate(node.input):
                own.input[position] = self._joined(name)
            self.nodes.append(own)

    def give(self, name: str) -> None:
        """See to it that the model gives an output by its own name."""
        from onnx import helper

        whole = self._joined(name)
        if whole != name:
            self.nodes.append(helper.make_node("Identity", [whole], [name], name=self._free(f"{name}_given")))

    def _is_split(self, node: onnx.NodeProto) -> bool:
        """Whether an operator is to be done to each part: where what it takes or gives is kept apart."""
        around = [node.output[0], *(name for name in node.input if name in self._parts)]
        return (
            any(name in self._apart for name in around)
            and node.output[0] in self._kinds
            and by_token(node, self._graph)
        )

    def _split(self, node: onnx.NodeProto) -> None:
        target, lengths = node.output[0], self._kinds[node.output[0]]
        inputs = [
            self._in_parts(name, lengths) if self._has_tokens(name, node) else [name] * len(lengths)
            for name in node.input
        ]
        self._parts[target] = []
        for number, taken in enumerate(zip(*inputs, strict=True)):
            own = _copy(node)
            own.name, own.output[0] = self._free(f"{node.name}_part_{number}"), self._free(f"{target}_part_{number}")
            for position, name in enumerate(taken):
                own.input[position] = name
            self._add(own)
            self._parts[target].append(own.output[0])

    def _has_tokens(self, name: str, node: onnx.NodeProto) -> bool:
        """Whether an input has the tokens of what a node gives: weights have none, whatever their shape."""
        if node.op_type in ("MatMul", "LayerNormalization") and name != node.input[0]:
            return False
        return tokens_of(self._graph.shapes.get(name)) > 1

    def _is_picked(self, node: onnx.NodeProto) -> bool:
        """Take a Slice or Gather of whole parts over, if it is one."""
        source, target = node.input[0] if node.input else "", node.output[0]
        if node.op_type not in ("Slice", "Gather") or source not in self._parts:
            return False
        lengths = self._kinds[source]
        taken = window(node, self._integers, sum(lengths))
        run = run_of(lengths, *taken) if taken else None
        if run is None:
            return False
        parts = self._parts[source][run]
        if node.op_type == "Slice":
            self._parts[target] = parts
        else:
            own = _copy(node)
            own.input[0], own.input[1] = parts[0], self._index(0, [])
            self._add(own)
        return True

    def _in_parts(self, name: str, lengths: Lengths) -> list[str]:
        """The parts of a tensor; cut out where it is whole."""
        import numpy as np
        from onnx import helper, numpy_helper

        if name in self._parts:
            return self._parts[name]
        if len(lengths) == 1:
            return [name]
        if (name, lengths) not in self._slices:
            edges = np.cumsum((0, *lengths)).tolist()
            names = [self._free(f"{name}_part_{number}") for number in range(len(lengths))]
            for part, start, stop in zip(names, edges[:-1], edges[1:], strict=True):
                if name in self._stored:
                    values = numpy_helper.to_array(self._stored[name])
                    self._keep(part, values[..., start:stop, :])
                    continue
                ends = [self._index(at, [1]) for at in (start, stop, 1)]  # the last: the axis of tokens
                self.nodes.append(helper.make_node("Slice", [name, *ends], [part], name=part))
            self._slices[name, lengths] = names
        return self._slices[name, lengths]

    def _joined(self, name: str) -> str:
        """The name of what gives a tensor whole."""
        from onnx import helper

        if name not in self._parts or name in self._whole:
            return self._whole.get(name, name)
        parts = self._parts[name]
        self._whole[name] = parts[0] if len(parts) == 1 else name
        if len(parts) > 1:
            maker = self._graph.producer[name]
            node = helper.make_node("Concat", parts, [name], name=self._free(f"{maker.name}_joined"), axis=1)
            node.metadata_props.extend(maker.metadata_props)  # so that it lies in the same module
            self.nodes.append(node)
        return self._whole[name]

    def _add(self, node: onnx.NodeProto) -> None:
        """Add a node, or what it gives if all that it takes is constant."""
        from onnx import numpy_helper
        from onnx.reference import ReferenceEvaluator

        held = {**self._stored, **self.constants}
        if all(name in held for name in node.input if name):
            feed = {name: numpy_helper.to_array(held[name]) for name in node.input if name}
            self._keep(node.output[0], ReferenceEvaluator(node).run(None, feed)[0])
        else:
            self.nodes.append(node)

    def _index(self, value: int, shape: list[int]) -> str:
        import numpy as np

        name = f"tokens_{'x'.join(map(str, shape))}_{value}"
        if name not in self.constants:
            self._keep(name, np.full(shape, value, np.int64))
        return name

    def _keep(self, name: str, values: Any) -> None:
        import numpy as np
        from onnx import numpy_helper

        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name)

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy
