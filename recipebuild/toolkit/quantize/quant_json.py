"""``quant.json``: which tensor of which operator got which parameters, and why, in the shape of ``quant_axmodel.json``.

    {"version": 1,
     "tensor_configs": {"Add_26": {"507": {"bit_width": 8, "policy": {"PER_TENSOR": true, ...}, "state": "ACTIVATED",
        "quant_min": 0, "quant_max": 255, "hash": 3, "dominator": 3, "rule": "Add takes U8"}}},
     "values": {"3": {"scale": [0.02], "zero_point": [85]}},
     "dropped": []}

``hash`` numbers the entries; parameters are those of ``dominator``. ``state`` is ACTIVATED for the entry that sets
parameters, OVERLAPPED for those that share them, BAKED for weights and constants, PASSIVE_BAKED for biases, FP32 for
what is not quantized. ``version``, ``rule`` and ``dropped`` (asked for in vain) are ours; the tool's file has other
fields there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recipebuild.formats import VERSIONS
from recipebuild.toolkit.quantize.numbers import BITS, SIGNED, Parameters, Type, limits

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.parameters import SettledParameters
    from recipebuild.toolkit.quantize.plan import QuantizationPlan


def quant_json(model: onnx.ModelProto, plan: QuantizationPlan, settled: SettledParameters) -> str:
    """The text of the file.

    Args:
        model: What ``prepare`` gives.
        plan: Of that model.
        settled: The parameters of all that the plan quantizes.
    """
    table = _Table(plan, settled)
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            table.add_input(node.name, position, name)
        for name in node.output:
            if (stored := plan.stored.get(name)) is not None:
                table.add_activation(node.name, name, stored.group, stored.rule)
    parts = {
        "version": VERSIONS["quant"],
        "tensor_configs": table.configs,
        "values": table.values,
        "dropped": [str(entry) for entry in plan.dropped],
    }
    return "{" + ",\n".join(f"{json.dumps(key)}: {_lines(part)}" for key, part in parts.items()) + "}\n"


class _Table:
    """The file as it grows."""

    def __init__(self, plan: QuantizationPlan, settled: SettledParameters) -> None:
        self.configs: dict[str, dict[str, Any]] = {}
        self.values: dict[str, dict[str, Any]] = {}
        self._plan, self._settled = plan, settled
        self._dominator: dict[str, int] = {}
        self._count = 0

    def add_input(self, node: str, position: int, name: str) -> None:
        place = (node, position)
        if (use := self._plan.uses.get(place)) is not None:
            self.add_activation(node, name, use.group, use.rule)
        elif (constant := self._plan.constants.get(place)) is not None:
            self._add_constant(node, name, self._settled.constants.get(place), "BAKED", constant.rule)
        elif (bias := self._plan.biases.get(place)) is not None:
            parameters = self._settled.biases.get(place)
            fits = bias.rule if parameters is not None or bias.type == "FP32" else "its codes do not fit 32 bits"
            self._add_constant(node, name, parameters, "PASSIVE_BAKED", fits)

    def add_activation(self, node: str, name: str, group: str | None, rule: str) -> None:
        if name in self.configs.get(node, ()):
            return  # taken twice: x * x
        if group is None:
            self._add(node, name, "FP32", "FP32", rule, None)
            return
        parameters = self._settled.groups[group]
        state = "OVERLAPPED" if group in self._dominator else "ACTIVATED"
        number = self._add(node, name, parameters.type, state, rule, self._dominator.get(group))
        if group not in self._dominator:
            self._dominator[group] = number
            self._add_values(number, parameters)

    def _add_constant(self, node: str, name: str, parameters: Parameters | None, state: str, rule: str) -> None:
        if parameters is None:
            self._add(node, name, "FP32", "FP32", rule, None)
        else:
            per_channel = parameters.axis is not None
            self._add_values(self._add(node, name, parameters.type, state, rule, None, per_channel), parameters)

    def _add(
        self, node: str, name: str, kind: Type, state: str, rule: str, dominator: int | None, per_channel: bool = False
    ) -> int:
        self._count += 1
        low, high = limits(kind) if kind != "FP32" else (0, 0)
        self.configs.setdefault(node, {})[name] = {
            "bit_width": BITS[kind],
            "policy": {
                "PER_TENSOR": not per_channel,
                "PER_CHANNEL": per_channel,
                "LINEAR": True,
                "EXPONENTIAL": False,
                "SYMMETRICAL": kind in SIGNED,
                "ASYMMETRICAL": kind not in SIGNED,
                "POWER_OF_2": False,
            },
            "state": state,
            "quant_min": low,
            "quant_max": high,
            "hash": self._count,
            "dominator": dominator or self._count,
            "rule": rule,
        }
        return self._count

    def _add_values(self, number: int, parameters: Parameters) -> None:
        scale, zero_point = parameters.scale.reshape(-1), parameters.zero_point.reshape(-1)
        self.values[str(number)] = {
            "scale": [float(value) for value in scale],
            "zero_point": [int(value) for value in zero_point],
        }


def _lines(part: Any) -> str:
    """A mapping or list with a line for each entry."""
    if isinstance(part, dict):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in part.items()) + "}"
    return json.dumps(part)
