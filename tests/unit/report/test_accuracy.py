"""Accuracy as tables for the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from recipebuild.figures.deployed import Deployed
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.values import as_json
from recipebuild.report.accuracy import accuracy_text, comparison, verdict_text

EVALUATED = as_json(
    Evaluation(
        images=24, metric="miou", against="labels", interval={"float": [0.8, 0.84], "quantized": [0.78, 0.82]},
        scores={"miou_pytorch": 0.83, "miou_float": 0.82, "miou_quantized": 0.8, "pixel_accuracy_float": 0.95},
        drop=0.02,
    )
)  # fmt: skip
DEPLOYED = as_json(
    Deployed(
        board="desk", model={}, copied=[], latency_ms={"avg": 1.5}, cmm_bytes=None, versions={}, images=24,
        agreement={}, cosine={}, warnings=[], scores={"miou_board": 0.79},
    )
)  # fmt: skip
ROW = {"miou": 0.82, "interval": [0.8, 0.84]}
ROWS = [
    {"rung": "pytorch", "title": "PyTorch", **ROW},
    {
        "rung": "quantized", "title": "quantized (host)", **ROW, "change": -0.001, "within_noise": True,
        "same": 0.99, "largest_error": 1e-3,
    },
]  # fmt: skip
LADDER = as_json(
    Ladder(images=12, metric="miou", against="labels", rows=ROWS, verdict="No stage loses accuracy.", warnings=[])
)


def step(name: str, metrics: dict[str, Any], variant: str = "", status: str = "built") -> dict[str, Any]:
    return {"name": name, "variant": variant, "status": status, "metrics": metrics}


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_every_model_has_a_row_and_every_figure_a_column() -> None:
    deploy = step("deploy", DEPLOYED)
    rows = lines(accuracy_text({"steps": [step("evaluate", EVALUATED), deploy]}))
    assert ["accuracy,", "24", "images"] in rows
    assert ["ONNX", "82.0", "%", "95.0", "%", "80.0-84.0", "%"] in rows
    assert ["quantized", "80.0", "%", "78.0-82.0", "%"] in rows
    assert ["board", "79.0", "%"] in rows


def test_the_ladder_says_what_is_noise_and_fits_a_terminal() -> None:
    text = accuracy_text({"steps": [step("ladder", LADDER)]})
    assert ["quantized", "(host)", "82.0", "%", "80.0-84.0", "%", "-0.0010", "~", "99.00", "%", "1.0e-03"] in lines(
        text
    )
    assert "No stage loses accuracy." in text
    assert "…" not in text


def test_what_a_board_added_to_the_ladder_is_told() -> None:
    text = accuracy_text({"steps": [step("deploy", DEPLOYED | {"ladder": LADDER})]})
    assert "board, 12 images" in text and "No stage loses accuracy." in text
    assert accuracy_text({"steps": [step("deploy", DEPLOYED)]}) == ""


def test_what_was_cached_is_not_told_again() -> None:
    assert accuracy_text({"steps": [step("evaluate", EVALUATED, status="cached")]}) == ""


def test_what_falls_short_is_told_with_its_tables_though_they_were_cached() -> None:
    evaluated, ladder = step("evaluate", EVALUATED, status="cached"), step("ladder", LADDER, status="cached")
    text = accuracy_text({"steps": [evaluated, ladder, step("judge", {}, status="failed")]})
    assert ["quantized", "80.0", "%", "78.0-82.0", "%"] in lines(text)
    assert "No stage loses accuracy." in text
    assert accuracy_text({"steps": [evaluated, ladder, step("judge", {}, status="built")]}) == ""


def matrix(**entries: dict[str, Any]) -> dict[str, Any]:
    steps = [step("evaluate", metrics, f"method={name}") for name, metrics in entries.items()]
    steps += [step("compile", {"bytes": 10**6, "max_cycle": 1234}, f"method={name}") for name in entries]
    return {"recipe": "x", "steps": [step("export", {}), *steps]}


def test_entries_of_a_matrix_are_compared_in_one_table() -> None:
    worse = EVALUATED | {"miou_quantized": 0.7, "drop": 0.12}
    rows = lines(comparison([matrix(MinMax=EVALUATED, KL=worse)]))
    assert ["x", "method=MinMax", "mIoU", "82.0", "%", "80.0", "%", "+0.0200", "1.0", "MB", "1,234"] in rows
    assert ["x", "method=KL", "mIoU", "82.0", "%", "70.0", "%", "+0.1200", "1.0", "MB", "1,234"] in rows


def test_recipes_are_compared_too_and_a_single_build_is_not() -> None:
    one = {"recipe": "a", "steps": [step("evaluate", EVALUATED)]}
    other = {"recipe": "b", "steps": [step("evaluate", EVALUATED)], "verdict": {"": {"verdict": "worse", "lines": []}}}
    rows = lines(comparison([one, other]))
    assert ["b", "mIoU", "82.0", "%", "80.0", "%", "+0.0200", "worse"] in rows
    assert comparison([one]) == ""


def test_the_figures_of_compared_builds_stand_under_each_other_and_are_never_cut() -> None:
    names = ["a", "a-name-as-long-as-the-field-of-names-allows-" * 2]
    text = comparison([{"recipe": name, "steps": [step("evaluate", EVALUATED)]} for name in names])
    title, *rows = text.splitlines()
    assert title == "builds compared" and names[1] in rows[2]
    assert len({row.find("82.0 %") for row in rows[1:3]} - {-1}) == 1 and rows[0].endswith("loss")


def test_the_verdict_comes_with_what_makes_it_so() -> None:
    manifest = {"verdict": {"": {"verdict": "worse", "lines": ["miou 0.8 -> 0.7"]}}}
    assert verdict_text(manifest) == "against what was accepted: worse\n  miou 0.8 -> 0.7\n"
