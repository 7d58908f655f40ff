"""The step lint: the nodes that the NPU cannot take, in a file and as warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from recipebuild.steps.lint import Params, run


def lint(path: Path, out: Path, hardware: str = "AX650", mode: str = "") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    out.mkdir()
    metrics = run({"model": path}, Params(hardware=hardware, npu_mode=mode), out, lambda fraction, text="": None)
    written = json.loads((out / "lint.json").read_text())
    assert written["hardware"] == hardware
    return metrics, written["findings"]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A model of thirty operators that no NPU has."""
    nodes = [helper.make_node("NonZero", [f"t{at}"], [f"t{at + 1}"], f"n{at}") for at in range(30)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4]) for name in ("t0", "t30")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "many.onnx")
    return tmp_path / "many.onnx"


def test_what_a_graph_that_is_not_simplified_has_in_it(small_onnx: Path, tmp_path: Path) -> None:
    metrics, findings = lint(small_onnx, tmp_path / "out", "AX637")
    assert [finding["operator"] for finding in findings] == ["Shape"]
    assert metrics["warnings"] == [
        "RB402 AX637: Shape shape: is not in the table of the NPU's operators; simplify the model for one input shape: "
        "then it is a constant"
    ]


def test_all_are_in_the_file_and_some_are_warnings(many: Path, tmp_path: Path) -> None:
    metrics, findings = lint(many, tmp_path / "out")
    assert [finding["node"] for finding in findings] == [f"n{at}" for at in range(30)]
    assert metrics["findings"] == 30
    assert len(metrics["warnings"]) == 21
    assert metrics["warnings"][-1] == "RB402 AX650: and 10 more, which lint.json lists"


def test_hardware_without_a_table(many: Path, tmp_path: Path) -> None:
    assert lint(many, tmp_path / "out", "AX8860") == ({"hardware": "AX8860", "npu_mode": "", "findings": 0}, [])


def test_the_time_is_estimated_where_somebody_published_figures_of_the_chip(small_onnx: Path, tmp_path: Path) -> None:
    metrics, _ = lint(small_onnx, tmp_path / "three", "AX650", "NPU3")
    span = metrics["estimated_ms"]
    assert 0 < span["low"] < span["ms"] < span["high"]
    one, _ = lint(small_onnx, tmp_path / "one", "AX650", "NPU1")
    assert one["estimated_ms"]["ms"] > span["ms"]
    for hardware, mode in (("AX8860", "NPU3"), ("AX650", "NPU7")):
        assert "estimated_ms" not in lint(small_onnx, tmp_path / hardware, hardware, mode)[0]
