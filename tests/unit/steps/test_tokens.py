"""The step tokens: which texts are drawn, and what is said of those that are too long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.text_models import bert, texts

from recipebuild.steps.tokens import Params, run
from recipebuild.toolkit.calibration.samples import read_samples


def quiet(fraction: float, text: str = "") -> None:
    """Nothing to say."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "texts.txt").write_text("\n".join([*texts(9), "the " * 40]), encoding="utf-8")
    return {"model": bert(folder / "model"), "texts": folder / "texts.txt"}


def test_texts_are_drawn_by_the_seed(inputs: dict[str, Path], tmp_path: Path) -> None:
    drawn = []
    for seed in (0, 0, 1):
        params = Params(names=("input_ids", "attention_mask"), length=12, count=4, seed=seed)
        figures = run(inputs, params, tmp_path, quiet)
        drawn.append([name for name, _ in read_samples(tmp_path / "samples.tar")])
        assert figures["samples"] == 4
    assert drawn[0] == drawn[1] != drawn[2] and len(drawn[0]) == 4


def test_a_dataset_has_all_texts_and_long_ones_are_said(inputs: dict[str, Path], tmp_path: Path) -> None:
    params = Params(names=("input_ids",), length=12, as_dataset=True)
    figures = run(inputs, params, tmp_path, quiet)
    files = sorted((tmp_path / "dataset").iterdir())
    assert [file.name for file in files] == [f"{at:06}.npz" for at in range(1, 11)]
    with np.load(files[0]) as arrays:
        assert {name: values.shape for name, values in arrays.items()} == {"input_ids": (1, 12)}
    assert figures["cut"] == 1
    assert figures["warnings"] == ["RB215 1 of 10 texts have more than 12 tokens: they are cut"]


def test_too_few_texts_are_said(inputs: dict[str, Path], tmp_path: Path) -> None:
    figures = run(inputs, Params(names=("input_ids",), length=64, count=32), tmp_path, quiet)
    assert figures["warnings"] == ["RB202 32 texts asked for, only 10 found: all of them are used"]
