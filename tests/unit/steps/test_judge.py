"""The step judge, as the engine runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import CheckError
from recipebuild.steps.judge import Params, run

EVALUATION = {"metric": "miou", "miou_float": 0.83, "miou_quantized": 0.8, "drop": 0.03, "drop_interval": [0.01, 0.05]}
DROPPED = ["ArgMax argmax: asked for U16, got U8", "Add_1: asked for FP32, got U8"]
BOARD = {"agreement": {"ids": 0.5}, "cosine": {"logits": {"min": 0.1, "mean": 0.97}}}
OUTPUTS = {"evaluation": EVALUATION, "precision": {"dropped": DROPPED, "got": {"U8": 3}}, "deploy": BOARD}


def judge(folder: Path, limits: dict[str, Any], **figures: Any) -> dict[str, Any]:
    """Judge figures, by the name of the input that has them."""
    inputs = {}
    for name, value in figures.items():
        inputs[name] = folder / f"{name}.json"
        inputs[name].write_text(json.dumps(value))
    metrics = run(inputs, Params.model_validate(limits), folder, lambda fraction, text="": None)
    assert json.loads((folder / "judge.json").read_text()) == metrics
    return metrics


def test_a_figure_that_keeps_to_its_limit_is_written_beside_it(tmp_path: Path) -> None:
    metrics = judge(tmp_path, {"max_drop": 0.03}, evaluation=EVALUATION)
    assert metrics["checks"] == [
        {
            "figure": "loss of mIoU",
            "field": "evaluate.max_drop",
            "value": 0.03,
            "bound": "at most",
            "limit": 0.03,
            "passed": True,
        }
    ]


def test_a_loss_beyond_the_limit_fails_and_says_from_where_to_where(tmp_path: Path) -> None:
    with pytest.raises(CheckError) as caught:
        judge(tmp_path, {"max_drop": 0.02}, evaluation=EVALUATION)
    message = "quantization takes mIoU from 0.8300 to 0.8000: a loss of 0.0300, more than max_drop 0.02"
    assert caught.value.message == message
    assert "quantization.method" in caught.value.remedy and "ladder.json" in caught.value.remedy
    assert [check["passed"] for check in caught.value.metrics["checks"]] == [False]
    assert not (tmp_path / "judge.json").exists()


def test_a_loss_within_noise_fails_too_but_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match=r"a loss of 0.0300, which is within noise, more than"):
        judge(tmp_path, {"max_drop": 0.02}, evaluation=EVALUATION | {"drop_interval": [-0.01, 0.05]})


@pytest.mark.parametrize(
    ("limits", "inputs"),
    [
        ({}, ["evaluation", "precision"]),
        ({"max_drop": None, "strict": False}, ["evaluation", "precision"]),
    ],
)
def test_what_has_no_limit_passes(tmp_path: Path, limits: dict[str, Any], inputs: list[str]) -> None:
    assert judge(tmp_path, limits, **{name: OUTPUTS[name] for name in inputs}) == {"checks": []}


@pytest.mark.parametrize("figures", [{}, {"evaluation": {"metric": "miou", "miou_float": 0.83}}])
def test_a_limit_on_what_was_not_measured_falls_short(tmp_path: Path, figures: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match=r"evaluate.max_drop .* no quantized model was evaluated") as caught:
        judge(tmp_path, {"max_drop": 0.1}, **figures)
    assert caught.value.exit_code == 5
    assert "leave evaluate.max_drop out" in caught.value.remedy


def test_a_strict_recipe_fails_with_every_precision_that_was_dropped(tmp_path: Path) -> None:
    with pytest.raises(CheckError) as caught:
        judge(tmp_path, {"strict": True}, precision=OUTPUTS["precision"])
    assert caught.value.message.endswith(f"quantization.layers asks for have no effect: {DROPPED[0]}")
    assert caught.value.remedy.splitlines()[0] == DROPPED[1]
    assert "quantization.strict" in caught.value.remedy
    (check,) = judge(tmp_path, {"strict": True}, precision={"dropped": [], "got": {}})["checks"]
    assert check["passed"] and check["value"] == 0


def test_all_that_falls_short_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match=r"have no effect: .*; quantization takes mIoU") as caught:
        judge(tmp_path, {"strict": True, "max_drop": 0.0}, evaluation=EVALUATION, precision=OUTPUTS["precision"])
    assert "quantization.strict" in caught.value.remedy and "quantization.method" in caught.value.remedy
    fields = [check["field"] for check in caught.value.metrics["checks"]]
    assert fields == ["quantization.strict", "evaluate.max_drop"]


def test_a_board_below_a_limit_is_told_with_the_likely_causes_in_order(tmp_path: Path) -> None:
    judge(tmp_path, {"min_agreement": 0.5, "min_cosine": 0.97}, deploy=BOARD)
    with pytest.raises(CheckError, match=r"agreement of ids is 0.5000.*cosine of logits is 0.9700") as caught:
        judge(tmp_path, {"min_agreement": 0.6, "min_cosine": 0.98}, deploy=BOARD)
    remedy = caught.value.remedy
    places = [remedy.index(word) for word in ("preprocessing", "channel order", "layout", "toolchain", "quantization")]
    assert places == sorted(places)


def test_of_a_board_only_the_output_that_falls_short_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckError) as caught:
        judge(tmp_path, {"min_agreement": 0.4, "min_cosine": 0.98}, deploy=BOARD)
    assert "agreement of ids" not in caught.value.message
    assert [check["passed"] for check in caught.value.metrics["checks"]] == [True, False]


def test_it_needs_none_of_the_heavy_libraries() -> None:
    heavy = ["torch", "onnx", "onnxruntime", "numpy", "PIL"]
    words = f"import sys, recipebuild.steps.judge; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
