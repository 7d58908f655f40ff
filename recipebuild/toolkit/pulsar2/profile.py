"""``compiler.npu_perf``: where the time goes, by the tool's own estimate.

``compiler/debug/<subgraph>/<batch>/trace.json`` is in Chrome's trace format: one event per task, ``tid`` the engine,
``dur`` its time, ``args.label`` the operator's label with a prefix and numbers, ``args.cname`` what memory traffic it
is (page other_tools/profiling). Times are added up as the file has them: their unit is not documented, so shares are
given.
``op_profile.csv`` beside it has a row per operator; its columns are not documented, so it is kept as it is.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.layers import modules_of

if TYPE_CHECKING:
    import onnx

_PREFIX = re.compile(r"^(ld|st):")
_TRAFFIC = {
    "st:ddr_swap": "swap out", "ld:ddr_swap": "swap in", "ld:param": "weights", "ld:input": "input",
    "st:output": "output",
}  # fmt: skip
_TOP = 20


def profile(out: Path, model: onnx.ModelProto) -> dict[str, Any]:
    """The figures of all traces under ``out``; empty if there are none that can be read.

    Returns:
        ``engines``: each engine's share of the engines' time; ``traffic``: the share of each kind of memory traffic;
        ``operators``: the slowest, each with its ``share``, the ``layer`` of ``model`` that it belongs to and its
        ``module``, where the label tells.
    """
    engines: dict[str, float] = defaultdict(float)
    traffic: dict[str, float] = defaultdict(float)
    operators: dict[str, float] = defaultdict(float)
    for event in _events(out):
        engine, dur, args = re.sub(r"\d+$", "", str(event.get("tid", ""))), event["dur"], event.get("args", {})
        engines[engine] += dur
        traffic[_TRAFFIC.get(str(args.get("cname", "")), "compute")] += dur
        operators[_PREFIX.sub("", str(args.get("label", event.get("name", ""))))] += dur
    total = sum(engines.values())
    if not total:
        return {}
    names = _Names(model)
    by_layer: dict[str, float] = defaultdict(float)
    for label, time in operators.items():
        by_layer[names.layer(label)] += time
    slowest = sorted(by_layer.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP]
    return {
        "engines": _shares(engines, total),
        "traffic": _shares(traffic, total),
        "operators": [
            {"layer": layer, "module": names.module(layer), "share": _share(time, total)} for layer, time in slowest
        ],
    }


class _Names:
    """The layers of a model, found by the labels of tasks: the name of a node or tensor, then numbers."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._layers = {node.name: node.name for node in model.graph.node if node.name}
        for node in model.graph.node:
            self._layers |= {output: node.name or output for output in node.output if output}
        self._modules = modules_of(model)
        self._longest_first = sorted(self._layers, key=len, reverse=True)

    def layer(self, label: str) -> str:
        """The layer that a label belongs to, or the label without its numbers."""
        known = next((name for name in self._longest_first if label == name or label.startswith(f"{name}_")), None)
        return self._layers[known] if known else re.sub(r"(_s?\d+|_gop)+(__\d+)?$", "", label)

    def module(self, layer: str) -> str | None:
        return self._modules.get(layer)


def _events(out: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(out.glob("compiler/debug/*/*/trace.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        events = value.get("traceEvents", []) if isinstance(value, dict) else value
        tasks = (event for event in events if isinstance(event, dict) and event.get("ph") == "X")
        yield from (task for task in tasks if isinstance(task.get("dur"), int | float))


def _shares(times: Mapping[str, float], total: float) -> dict[str, float]:
    return {name: _share(time, total) for name, time in sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))}


def _share(time: float, total: float) -> float:
    return round(time / total, 4)
