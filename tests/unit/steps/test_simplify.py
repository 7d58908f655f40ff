"""simplify: its file, and the table of operators in its metrics."""

from __future__ import annotations

import json
from pathlib import Path

from recipebuild.steps import simplify
from recipebuild.toolkit.graph.files import load


def test_the_metrics_are_the_table_before_and_after(small_onnx: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    params = simplify.Params(input_name="pixel_values", shape=(1, 3, 16, 32))
    metrics = simplify.run({"model": small_onnx}, params, out, lambda fraction, text="": None)

    assert [path.name for path in out.iterdir()] == ["simplified.onnx"]
    assert len(load(out / "simplified.onnx").graph.node) == metrics["nodes_after"] == 4
    assert metrics["nodes_before"] == 7
    assert metrics["bytes_before"] == small_onnx.stat().st_size
    assert metrics["bytes"] == (out / "simplified.onnx").stat().st_size
    rows = {row["op"]: (row["before"], row["after"]) for row in metrics["operators"]}
    assert rows["Shape"] == rows["Slice"] == rows["Concat"] == (1, 0)
    assert rows["Conv"] == rows["Tanh"] == (1, 1)
    assert json.loads(json.dumps(metrics)) == metrics
