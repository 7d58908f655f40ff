"""``method: auto``: for each group of activations the method whose range makes the least error in what takes them.

    ranges, methods = chosen(baked(model, plan), plan, measured, CalibrationSet(archive, spec))
    methods["relu_out"]    # "KL"

Each method promises something about a tensor by itself. What counts is what comes out of the operators f that take it,
so these are computed on the tensor x and on its codes Q(x), on a few images, for the range of each method:

    sum over f  |f(Q(x)) - f(x)|^2 / |f(x)|^2

A MatMul weighs the error of each channel by its weights, a Softmax leaves next to nothing of what is far below the
largest value. Where nothing computes with a tensor, as with a model's output, f(x) is x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.calibrate import ActivationStatistics, Method, group_ranges
from recipebuild.toolkit.quantize.numbers import BITS, code_type, of_range
from recipebuild.toolkit.quantize.probe import Probe
from recipebuild.toolkit.quantize.sharing import moves
from recipebuild.toolkit.quantize.view import view

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batches
    from recipebuild.toolkit.quantize.plan import QuantizationPlan
    from recipebuild.toolkit.quantize.ranges import Range

_OTHERS: tuple[Method, ...] = ("Percentile", "MSE", "KL")
_IMAGES = 8
"""On which methods are compared, at most."""
_WORTH = 0.1
"""Of the error with MinMax: what another method must win, as the images are few."""


def chosen(
    model: onnx.ModelProto,
    plan: QuantizationPlan,
    measured: ActivationStatistics,
    batches: Batches,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
) -> tuple[dict[str, Range], dict[str, Method]]:
    """The range of each group, and the method that it is of.

    Groups in 16 bit or in float have MinMax: nothing is to be won by clipping there.

    Args:
        model: In float, with the weights that ``baked`` gives.
        plan: Of that model.
        measured: What ``measure`` gives, with histograms.
        batches: The model's inputs.
        progress: Told which fraction is done, and a few words.

    Raises:
        StepError: If ONNX Runtime cannot run the model.
    """
    plain = group_ranges(plan, measured, "MinMax")
    other = {method: group_ranges(plan, measured, method) for method in _OTHERS}
    asked = {
        method: {
            name: span for name, span in ranges.items() if BITS[plan.groups[name].type] == 8 and span != plain[name]
        }
        for method, ranges in other.items()
    }
    asked["MinMax"] = {name: plain[name] for name in plain if any(name in ranges for ranges in asked.values())}
    takers = _takers(model, plan)
    errors: dict[Method, dict[str, float]] = {}
    for number, (method, ranges) in enumerate(asked.items()):
        progress(number / len(asked), f"what {method} loses")
        errors[method] = _errors(model, plan, ranges, takers, batches)
    best: dict[str, Method] = dict.fromkeys(plain, "MinMax")
    for name, before in errors["MinMax"].items():
        lost = {method: errors[method][name] for method in _OTHERS if name in errors[method]}
        least = min(lost, key=lambda method: lost[method])
        if lost[least] < (1 - _WORTH) * before:
            best[name] = least
    return {name: plain[name] if method == "MinMax" else other[method][name] for name, method in best.items()}, best


@dataclass(frozen=True)
class _Taken:
    """A tensor where an operator takes it; ``None`` for the tensor itself."""

    tensor: str
    node: onnx.NodeProto | None = None
    position: int = 0


def _takers(model: onnx.ModelProto, plan: QuantizationPlan) -> dict[str, list[_Taken]]:
    """By group: where operators that compute take it, or else its tensors."""
    graph = view(model)
    nodes = {node.name: node for node in model.graph.node}
    takers: dict[str, list[_Taken]] = {name: [] for name in plan.groups}
    for use in plan.uses.values():
        node = nodes[use.node]
        if use.group is not None and graph.is_live(node.output[0]) and not moves(node, plan.precision):
            takers[use.group].append(_Taken(use.tensor, node, use.position))
    return {name: each or [_Taken(member) for member in plan.groups[name].members] for name, each in takers.items()}


@dataclass
class _Measuring:
    """What is put into the model to measure errors.

    Attributes:
        after: Nodes, by the tensor that they follow.
        constants: What they take.
        outputs: Error and power of each place, by group.
    """

    after: dict[str, list[onnx.NodeProto]] = field(default_factory=dict)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    outputs: list[tuple[str, str, str]] = field(default_factory=list)


def _errors(
    model: onnx.ModelProto,
    plan: QuantizationPlan,
    ranges: Mapping[str, Range],
    takers: Mapping[str, list[_Taken]],
    batches: Batches,
) -> dict[str, float]:
    """The error of each group over its range."""
    if not ranges:
        return {}
    measuring = _Measuring()
    for number, (name, span) in enumerate(ranges.items()):
        _measure(measuring, f"choose_{number}", name, plan, span, takers[name])
    wanted = [output for _, *pair in measuring.outputs for output in pair]
    probe = Probe(model, measuring.after, wanted, measuring.constants)
    sums = [0.0] * len(wanted)
    for batch in islice(batches, _IMAGES):
        sums = [before + float(value) for before, value in zip(sums, probe(batch), strict=True)]
    errors = dict.fromkeys(ranges, 0.0)
    for (name, *_), error, power in zip(measuring.outputs, sums[::2], sums[1::2], strict=True):
        errors[name] += error / max(power, 1e-30)
    return errors


def _measure(
    measuring: _Measuring, prefix: str, name: str, plan: QuantizationPlan, span: Range, places: list[_Taken]
) -> None:
    """Add what measures the error of one group."""
    import numpy as np
    from onnx import helper, numpy_helper

    kind = plan.groups[name].type
    parameters = of_range(kind, span)
    codes = [f"{prefix}_scale", f"{prefix}_zero"]
    measuring.constants += [
        numpy_helper.from_array(np.asarray(parameters.scale, np.float32), codes[0]),
        numpy_helper.from_array(np.asarray(parameters.zero_point, code_type(kind)), codes[1]),
    ]
    for number, place in enumerate(places):
        own = f"{prefix}_{number}"
        nodes = [
            helper.make_node("QuantizeLinear", [place.tensor, *codes], [f"{own}_codes"]),
            helper.make_node("DequantizeLinear", [f"{own}_codes", *codes], [f"{own}_taken"]),
        ]
        exact, got = place.tensor, f"{own}_taken"
        if place.node is not None:
            copy = type(place.node)()
            copy.CopyFrom(place.node)
            copy.name, copy.input[place.position] = f"{own}_taker", got
            for position, output in enumerate(place.node.output):
                copy.output[position] = f"{own}_gives_{position}" if output else ""
            nodes.append(copy)
            exact, got = place.node.output[0], copy.output[0]
        nodes += [
            helper.make_node("Sub", [got, exact], [f"{own}_off"]),
            helper.make_node("ReduceSumSquare", [f"{own}_off"], [f"{own}_error"], keepdims=0),
            helper.make_node("ReduceSumSquare", [exact], [f"{own}_power"], keepdims=0),
        ]
        measuring.after.setdefault(exact, []).extend(nodes)
        measuring.outputs.append((name, f"{own}_error", f"{own}_power"))
