from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import RecipeError
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.values import as_json
from recipebuild.toolkit.board import book
from recipebuild.toolkit.board.costs import Costs

COSTS = {"conv": 1, "matmul": 2, "parameters": 3, "image_bytes": 4, "softmax_sizes": [5]}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def manifest(ms: float, status: str = "built", costs: Any = COSTS, sha256: str = "a") -> dict[str, Any]:
    model = {"sha256": sha256, "input": [1, 3, 2, 2], "npu_mode": "NPU3", "toolchain": "pulsar2 7.0", "costs": costs}
    metrics = as_json(
        Deployed(
            board="desk", model=model, copied=[], latency_ms={"avg": ms}, cmm_bytes=None, versions={}, images=1,
            agreement={}, cosine={}, warnings=[],
        )
    )  # fmt: skip
    return {"recipe": "mine", "steps": [{"name": "export"}, {"name": "deploy", "status": status, "metrics": metrics}]}


def test_a_measurement_takes_the_place_of_the_last_one_of_the_same_model() -> None:
    assert book.read() == []
    book.note(manifest(5.0))
    book.note(manifest(6.0))
    book.note(manifest(7.0, sha256="b"))
    assert [row["ms"] for row in book.read()] == [6.0, 7.0]
    entry = book.measured()[0]
    assert (entry.name, entry.costs, entry.ms) == ("mine", Costs(1, 2, 3, 4, (5,)), {"NPU3": 6.0})


@pytest.mark.parametrize("unmeasured", [manifest(5.0, "cached"), manifest(5.0, "failed"), manifest(5.0, costs=None)])
def test_only_what_was_measured_now_is_noted(unmeasured: dict[str, Any]) -> None:
    book.note(unmeasured)
    assert book.read() == []


@pytest.mark.parametrize("text", ["{", "[{}]", '"x"'])
def test_a_damaged_book_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "recipebuild").mkdir()
    (tmp_path / "recipebuild" / "latency.json").write_text(text)
    with pytest.raises(RecipeError, match=r"latency\.json is damaged"):
        book.read()
    with pytest.raises(RecipeError, match="damaged"):
        book.note(manifest(1.0))
    assert (tmp_path / "recipebuild" / "latency.json").read_text() == text


def test_the_book_is_json_that_people_can_read(tmp_path: Path) -> None:
    book.note(manifest(5.0))
    (row,) = json.loads((tmp_path / "recipebuild" / "latency.json").read_text())
    assert row["recipe"] == "mine" and row["board"] == "desk"
