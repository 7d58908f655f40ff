"""What ``models`` says of the shipped recipes."""

from __future__ import annotations

from recipebuild.facts.models import published
from recipebuild.report.catalog import cells, table
from recipebuild.verbs.models import models


def test_a_model_has_its_task_size_costs_and_published_accuracy() -> None:
    rows = {row["recipe"]: row for row in models()["models"]}
    row = rows["segformer-b0-ade-512x512"]
    assert row["model"] == "nvidia/segformer-b0-finetuned-ade-512-512"
    assert (row["task"], row["height"], row["width"]) == ("semantic-segmentation", 512, 512)
    # SegFormer's paper has 3.8 M parameters and, without the decoder that is folded, 8.4 GFLOPs of multiply-adds.
    assert 3.4e6 < row["parameters"] < 3.8e6 and 3e9 < row["multiply_adds"] < 8.4e9
    assert 1 < row["estimated_ms"] < 10
    assert cells(row)[2:5] == ["512x512", "3.5 M", "4.1 G"]
    assert row["accuracy"] == "37.4 % mIoU, ADE20K"
    assert cells(rows["quickstart-superres"])[2:5] == ["64x128", "32 k", "0.3 G"]
    assert cells(rows["quickstart-text"])[2:4] == ["-", "-"]


def test_what_is_not_known_is_a_dash() -> None:
    row = {"recipe": "x", "task": "t", "height": 1, "width": 2, "parameters": None, "multiply_adds": None}
    assert cells({**row, "estimated_ms": None, "accuracy": None}) == ["x", "t", "1x2", "-", "-", "-", "-"]


def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_figure() -> None:
    rows = models()["models"]
    narrow = table(rows, 80).splitlines()
    assert max(map(len, narrow)) <= 80
    row = next(line.split() for line in narrow if line.startswith("segformer-b0-ade-512x512"))
    assert row == ["segformer-b0-ade-512x512", "512x512", "4.1", "G", "3.36", "ms"]
    assert narrow[-1].startswith("In a wider terminal, or with --json, also: accuracy")
    for width in (140, None):
        wide = table(rows, width)
        assert "37.4 % mIoU, ADE20K" in wide and "wider terminal" not in wide


def test_every_row_of_facts_is_of_a_shipped_recipe() -> None:
    known = models()
    assert set(published()) <= set(known["recipes"])
    assert [row["recipe"] for row in known["models"]] == known["recipes"]
