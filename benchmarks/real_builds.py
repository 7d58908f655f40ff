"""Our scales and zero points against those that Pulsar2 itself wrote, tensor by tensor.

    python -m benchmarks.real_builds ../shared/pulsar2-builds/builds.json

The file has small graphs, how their calibration samples were drawn, and what ``quant_axmodel.json`` said after a build
with Pulsar2 7.0-lite for AX650. A difference is counted in units in the last place of a float32 scale. Sums that differ
are then computed as PyTorch does, which Pulsar2 calibrates with: ``linear`` for MatMul, ``mean`` for ReduceMean.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from recipebuild.toolkit.quantize.calibrate import group_ranges, measure
from recipebuild.toolkit.quantize.numbers import Parameters, codes, of_range, of_weights, values_of
from recipebuild.toolkit.quantize.parameters import baked, settle
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.ranges import Range

Array = npt.NDArray[np.float32]
Feeds = list[dict[str, Array]]


@dataclass(frozen=True)
class Compared:
    """One tensor of one build.

    Attributes:
        build: Its name.
        tensor: Its name.
        ours: Its parameters by our quantizer.
        type: Pulsar2's, ``U8`` or ``S8``.
        zero_point: Pulsar2's.
        ulp: Pulsar2's scale less ours, in units in the last place.
    """

    build: str
    tensor: str
    ours: Parameters
    type: str
    zero_point: int
    ulp: int


def compared(name: str, build: Mapping[str, Any]) -> list[Compared]:
    """Each tensor that Pulsar2 quantized, against ours."""
    source = prepare(model_of(build), None)
    plan = planned(source)
    ranges = group_ranges(plan, measure(baked(source, plan), plan, feeds_of(build), "MinMax"), "MinMax")
    settled = settle(source, plan, ranges)
    ours = {name: settled.groups[stored.group] for name, stored in plan.stored.items() if stored.group}
    ours |= {plan.constants[place].tensor: parameters for place, parameters in settled.constants.items()}
    return [
        Compared(
            name, tensor, ours[tensor], theirs["type"], theirs["zero_point"], ulp(theirs["scale"], ours[tensor].scale)
        )
        for tensor, theirs in build["tensors"].items()
    ]


def model_of(build: Mapping[str, Any]) -> onnx.ModelProto:
    """The graph of a build, with its constants and weights."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{build["graph"]}')
    stored = {name: np.asarray(values, np.float32) for name, values in build.get("constants", {}).items()}
    stored |= {name: drawn(np.random.default_rng(how["seed"]), how) for name, how in build.get("weights", {}).items()}
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in stored]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in stored.items())
    return model


def feeds_of(build: Mapping[str, Any]) -> Feeds:
    """Its calibration set: one stream of numbers, for each input in turn."""
    rng = np.random.default_rng(0)
    in_turn = sorted(build["samples"].items(), key=lambda sample: sample[1]["draw"])
    samples = {name: drawn(rng, how) for name, how in in_turn}
    count = len(next(iter(samples.values())))
    return [{name: values[at] for name, values in samples.items()} for at in range(count)]


def drawn(rng: np.random.Generator, how: Mapping[str, Any]) -> Array:
    values: Array = rng.uniform(how["low"], how["high"], how["shape"]).astype(np.float32)
    return values


def ulp(theirs: float, ours: npt.ArrayLike) -> int:
    """How many float32 numbers lie between two positive scales."""
    bits = [int(np.asarray(scale, np.float32).view(np.int32)) for scale in (theirs, ours)]
    return bits[0] - bits[1]


def by_pytorch(builds: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The sums of the builds with PyTorch's kernels: the tensor, and the units in the last place that are left."""
    import torch

    torch.set_num_threads(1)
    for name, build in builds.items():
        feeds = [torch.from_numpy(feed["x"]) for feed in feeds_of(build) if "x" in feed]
        stored = {each.name: numpy_helper.to_array(each) for each in model_of(build).graph.initializer}
        sums: dict[str, list[Array]] = {}
        if "MatMul" in build["graph"]:
            scales = of_weights("S8", stored["w"], 1)
            weight = torch.from_numpy(np.ascontiguousarray(values_of(codes(stored["w"], scales), scales).T))
            sums["y"] = [torch.nn.functional.linear(x, weight).numpy() for x in feeds]
        elif "eps" in stored:
            sums["ms"] = [(x * x).mean(-1).numpy() for x in feeds]
            sums["me"] = [each + stored["eps"] for each in sums["ms"]]
            sums["rt"] = [np.sqrt(each) for each in sums["me"]]
        elif "ReduceMean" in build["graph"]:
            sums["y"] = [x.mean(-1).numpy() for x in feeds]
        for tensor, values in sums.items():
            yield f"{name} {tensor}", ulp(build["tensors"][tensor]["scale"], scale_of(values))


def scale_of(values: Sequence[Array]) -> npt.NDArray[np.float32]:
    bounds = Range(float(min(each.min() for each in values)), float(max(each.max() for each in values)))
    return of_range("U8", bounds).scale


def main() -> None:
    builds = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    rows = [row for name, build in builds.items() for row in compared(name, build)]
    same = sum(row.ours.type == row.type and int(row.ours.zero_point.flat[0]) == row.zero_point for row in rows)
    print(f"{len(rows)} tensors of {len(builds)} builds: type and zero point equal in {same}")
    for units, count in sorted(Counter(abs(row.ulp) for row in rows).items()):
        print(f"  {count:3} scales {f'{units} units in the last place apart' if units else 'equal bit for bit'}")
    for row in rows:
        if row.ulp:
            print(f"  {row.build} {row.tensor}: {row.ulp:+d}")
    print("with PyTorch's kernels:")
    for tensor, units in by_pytorch(builds):
        print(f"  {tensor}: {units:+d}")


if __name__ == "__main__":
    main()
