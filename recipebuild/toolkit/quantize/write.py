"""Plan and parameters -> QDQ model: QuantizeLinear and DequantizeLinear around every tensor that has codes.

    quantized = written(model, plan, settled)

A tensor ``t`` is followed by ``t_quantized`` and ``t_dequantized``, which what uses it takes; a copy in another type is
made of the latter. What the model gives keeps its name: there ``t_float`` is what is quantized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.names import free_name
from recipebuild.toolkit.quantize.numbers import Parameters, code_type, codes

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.parameters import SettledParameters
    from recipebuild.toolkit.quantize.plan import Place, QuantizationPlan


def written(model: onnx.ModelProto, plan: QuantizationPlan, settled: SettledParameters) -> onnx.ModelProto:
    """The quantized model, with the same inputs and outputs; same model, plan and parameters, same bytes.

    Args:
        model: What ``prepare`` gives, at opset 21 or newer if there are 16-bit types.
        plan: Of that model.
        settled: The parameters of all that the plan quantizes.
    """
    return _Writer(model, plan, settled).model


def qdq_counts(quantized: onnx.ModelProto) -> dict[str, int]:
    """``quantized_nodes``: operators that take a dequantized tensor; ``qdq_pairs``: activations that are quantized."""
    nodes = quantized.graph.node
    dequantized = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    operators = [node for node in nodes if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    return {
        "quantized_nodes": sum(not dequantized.isdisjoint(node.input) for node in operators),
        "qdq_pairs": sum(node.op_type == "QuantizeLinear" for node in nodes),
    }


class _Writer:
    """The model as it grows.

    Attributes:
        model: The quantized one.
    """

    def __init__(self, model: onnx.ModelProto, plan: QuantizationPlan, settled: SettledParameters) -> None:
        import onnx

        self._plan, self._settled = plan, settled
        self._outputs = {value.name for value in model.graph.output}
        self._values = {tensor.name: tensor for tensor in model.graph.initializer}
        self._taken = {name for node in model.graph.node for name in (*node.input, *node.output)} | set(self._values)
        self._as: dict[tuple[str, str | None], str] = {}
        """The name under which a tensor is taken with the parameters of a group."""
        self._made: dict[Any, str] = {}
        """Dequantized constants, by what they hold."""
        self._stored: dict[Any, tuple[str, str]] = {}
        """Initializers of scales and zero points."""
        self._copies: dict[str, list[str]] = {}
        for group in plan.groups.values():
            if group.name not in plan.stored:
                self._copies.setdefault(group.members[0], []).append(group.name)
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        del self.model.graph.node[:], self.model.graph.initializer[:], self.model.graph.value_info[:]
        for value in model.graph.input:
            self._keep(value.name, value.name)
        for node in model.graph.node:
            self._write(node)
        used = {name for node in self.model.graph.node for name in node.input} | self._outputs
        kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
        self.model.graph.initializer.extend(kept)

    def _write(self, source: onnx.NodeProto) -> None:
        inputs = [self._input(source, position) for position in range(len(source.input))]
        node = self.model.graph.node.add()
        node.CopyFrom(source)
        node.input[:] = inputs
        for position, name in enumerate(source.output):
            stored = self._plan.stored.get(name)
            if stored is not None and stored.group is not None and name in self._outputs:
                node.output[position] = self._free(f"{name}_float")
            self._keep(name, node.output[position])

    def _input(self, node: onnx.NodeProto, position: int) -> str:
        """What a node takes instead of what it took; constants are dequantized in front of it."""
        place, name = (node.name, position), node.input[position]
        if (use := self._plan.uses.get(place)) is not None:
            return self._as[name, use.group]
        if (parameters := self._settled.constants.get(place) or self._settled.biases.get(place)) is not None:
            return self._constant(place, name, parameters)
        stored = self._plan.stored.get(name)
        return self._as[name, stored.group] if stored is not None else name

    def _keep(self, name: str, raw: str) -> None:
        """Quantize what an operator gives as ``raw``, in all the ways in which it is taken."""
        if name not in self._plan.stored:
            return
        group, last = self._plan.stored[name].group, raw
        if group is not None:
            last = self._pair(name, raw, group, name if raw != name else None)
        self._as[name, group] = self._as[name, None] = last
        for copy in self._copies.get(name, ()):
            self._as[name, copy] = self._pair(copy, last, copy, None)

    def _pair(self, name: str, source: str, group: str, result: str | None) -> str:
        """QuantizeLinear and DequantizeLinear behind ``source``; what they give."""
        parameters = self._settled.groups[group]
        scale, zero_point = self._parameters(group, parameters)
        quantized = self._free(f"{name}_quantized")
        dequantized = result or self._free(f"{name}_dequantized")
        self._add("QuantizeLinear", [source, scale, zero_point], quantized, None)
        self._add("DequantizeLinear", [quantized, scale, zero_point], dequantized, None)
        return dequantized

    def _constant(self, place: Place, name: str, parameters: Parameters) -> str:
        """A constant from its codes; what gives it."""
        constant = self._plan.constants.get(place)
        # A bias has the scale of its own product.
        key = (name, constant.type, constant.axis) if constant is not None else (name, place)
        if key not in self._made:
            from onnx import numpy_helper

            values = codes(numpy_helper.to_array(self._values[name]), parameters)
            stored = self._store(f"{name}_quantized", values)
            scale, zero_point = self._parameters(name, parameters)
            self._made[key] = self._free(f"{name}_dequantized")
            self._add("DequantizeLinear", [stored, scale, zero_point], self._made[key], parameters.axis)
        return self._made[key]

    def _parameters(self, name: str, parameters: Parameters) -> tuple[str, str]:
        """The initializers of a scale and a zero point."""
        import numpy as np

        key = (name, parameters.type, parameters.scale.tobytes())
        if key not in self._stored:
            zero_point = parameters.zero_point.astype(code_type(parameters.type))
            scale = self._store(f"{name}_scale", parameters.scale.astype(np.float32))
            self._stored[key] = scale, self._store(f"{name}_zero_point", zero_point)
        return self._stored[key]

    def _add(self, operator: str, inputs: list[str], output: str, axis: int | None) -> None:
        from onnx import helper

        attributes = {} if axis is None else {"axis": axis}
        self.model.graph.node.append(
            helper.make_node(operator, inputs, [output], name=f"{operator}_{output}", **attributes)
        )

    def _store(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        free = self._free(name)
        self.model.graph.initializer.append(numpy_helper.from_array(values, free))
        return free

    def _free(self, name: str) -> str:
        """``name``, or ``name_2`` and so on if it is taken."""
        return free_name(name, self._taken)
