"""The model card of a bundle."""

from __future__ import annotations

from typing import Any

from recipebuild.facts.metrics import METRICS
from recipebuild.resources import shipped
from recipebuild.toolkit.bundle.card import card


def _values(figures: dict[str, Any]) -> dict[str, Any]:
    image = {
        "name": "x", "dtype": "float32", "shape": [1, 3, 4, 4], "layout": "NCHW", "color": "RGB", "resize": "stretch",
        "normalized_by": "program", "mean": [0, 0, 0], "std": [1, 1, 1], "width": 4, "height": 4,
    }  # fmt: skip
    toolchain = {"name": "onnxruntime", "version": "1"}
    interface: dict[str, Any] = {
        "task": "depth-estimation", "hardware": "AX650", "npu_mode": "NPU3", "model": "quantized.onnx", "outputs": [],
        "input": image, "toolchain": toolchain, "labels": None,
    }  # fmt: skip
    return {
        "recipe": "toy", "recipe_digest": "0" * 64, "version": "1", "interface": interface, "source": "here",
        "license": None, "intended_use": None, "figures": figures, "metrics": list(METRICS.values()),
        "calibration_images": 1, "command": None,
    }  # fmt: skip


def test_each_metric_that_was_measured_has_a_row_under_its_title() -> None:
    figures = {"images": 3, "against": "labels"}
    figures |= {f"{name}_{row}": 0.5 for name in METRICS for row in ("float", "quantized")}
    text = card(_values(figures), {"templates/bundle": shipped("templates") / "bundle"})
    for metric in METRICS.values():
        value = "50.00 %" if metric.unit == "%" else "0.5000"
        assert f"\n| {metric.title} | {value} | {value} |" in text


def test_a_figure_that_was_not_measured_is_said_to_be_missing() -> None:
    figures = {"images": 3, "against": "labels", "rmse_float": 0.5}
    text = card(_values(figures), {"templates/bundle": shipped("templates") / "bundle"})
    assert "\n| RMSE | 0.5000 | not measured |" in text and "AbsRel" not in text
