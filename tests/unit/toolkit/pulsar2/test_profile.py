"""The tool's estimate of where the time goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest

from recipebuild.toolkit.pulsar2.profile import profile


def task(label: str, engine: str, dur: float, cname: str = "") -> dict[str, Any]:
    args = {"label": label, "dur": dur} | ({"cname": cname} if cname else {})
    return {"ph": "X", "pid": "subgraph_npu_0", "tid": engine, "dur": dur, "name": label, "args": args}


TASKS = [
    task("features_0_12__0", "conv0", 300),
    task("features_s1_gop_3", "conv1", 200),
    task("ld:features_0_12__1", "sdma4", 100, "ld:param"),
    task("squashed_4_4__0", "teng2", 300),
    task("op_77:AxQuantizedMul_out_5_5", "teng2", 50),
    task("st:logits_9_9__0", "sdma4", 50, "st:output"),
    {"ph": "M", "name": "process_name"},
]


def write(out: Path, value: Any, subgraph: str = "subgraph_npu_0") -> None:
    folder = out / "compiler" / "debug" / subgraph / "b1"
    folder.mkdir(parents=True)
    (folder / "trace.json").write_text(value if isinstance(value, str) else json.dumps(value))


def test_time_by_engine_traffic_and_layer(tmp_path: Path, small_onnx: Path) -> None:
    write(tmp_path, {"traceEvents": TASKS})
    shares = profile(tmp_path, onnx.load(small_onnx))
    assert shares["engines"] == {"conv": 0.5, "teng": 0.35, "sdma": 0.15}
    assert shares["traffic"] == {"compute": 0.85, "weights": 0.1, "output": 0.05}
    assert shares["operators"] == [
        {"layer": "conv", "module": "stem", "share": 0.6},
        {"layer": "squash", "module": None, "share": 0.3},
        {"layer": "op_77:AxQuantizedMul_out", "module": None, "share": 0.05},
        {"layer": "unflatten", "module": None, "share": 0.05},
    ]


def test_several_subgraphs_are_added_up(tmp_path: Path, small_onnx: Path) -> None:
    write(tmp_path, {"traceEvents": [task("features_1", "conv0", 1)]})
    write(tmp_path, [task("squashed_1", "teng0", 3)], "subgraph_npu_1")
    assert profile(tmp_path, onnx.load(small_onnx))["engines"] == {"teng": 0.75, "conv": 0.25}


@pytest.mark.parametrize("value", ["", "{}", "[1, 2]", '{"traceEvents": [{"ph": "X"}]}'])
def test_traces_that_say_nothing(tmp_path: Path, small_onnx: Path, value: str) -> None:
    write(tmp_path, value)
    assert profile(tmp_path, onnx.load(small_onnx)) == {}
