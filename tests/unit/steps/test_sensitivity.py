"""The step sensitivity, as the engine runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.quantized import INPUT, quantized_twin, quiet

from recipebuild.errors import StepError
from recipebuild.steps.sensitivity import Params, run


@pytest.fixture
def inputs(small_onnx: Path, street_images: Path, tmp_path: Path) -> dict[str, Path]:
    return quantized_twin(small_onnx, street_images, tmp_path)


def test_blocks_come_with_most_to_win_first(inputs: dict[str, Path], tmp_path: Path) -> None:
    fractions: list[float] = []
    params: Any = Params.model_validate({"input": INPUT, "class_axis": 1})
    metrics = run(inputs, params, tmp_path, lambda fraction, text="": fractions.append(fraction))
    assert json.loads((tmp_path / "sensitivity.json").read_text()) == metrics
    noises = [row["alone"]["noise"] for row in metrics["blocks"]]
    assert noises == sorted(noises, reverse=True) and noises[0] > metrics["none"]["noise"]
    layers = [layer for row in metrics["blocks"] for layer in row["layers"]]
    assert {"conv", "squash"} <= set(layers) and "flatten" not in layers
    conv = next(row for row in metrics["blocks"] if row["layers"] == ["conv"])
    assert conv["module"] == "stem" and conv["share"] == 1
    assert 0 < metrics["full"]["agreement"] <= 1
    assert all(0 < fraction <= 1 for fraction in fractions)


def test_models_too_large_to_lie_side_by_side_are_refused(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recipebuild.toolkit.analysis.pair.EXTERNAL_DATA_OVER", 1000)
    with pytest.raises(StepError, match="2 GiB"):
        run(inputs, Params.model_validate({"input": INPUT}), tmp_path, quiet)
