"""The step join-answers: shares of answers are put together as if one step had computed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.steps import answers, join_answers
from recipebuild.toolkit.calibration.spec import ImageSpec

SPEC = ImageSpec(shape=(1, 3, 16, 32), mean=(128, 128, 128), std=(64, 64, 64))


def silent(fraction: float, text: str = "") -> None:
    """No progress."""


def answered(model: Path, dataset: Path, out: Path, share: tuple[int, int]) -> Path:
    out.mkdir()
    params = answers.Params(input=SPEC, share=share)
    answers.run({"model": model, "dataset": dataset}, params, out, silent)
    return out / "answers.tar"


@pytest.mark.parametrize("shares", [2, 4, 9])
def test_shares_come_together_to_the_bytes_of_one_step(
    shares: int, colour_model: Callable[..., Path], colour_dataset: Path, tmp_path: Path
) -> None:
    whole = answered(colour_model(), colour_dataset, tmp_path / "whole", (0, 1))
    parts = {
        f"share_{number}": answered(colour_model(), colour_dataset, tmp_path / f"{number}", (number, shares))
        for number in range(shares)
    }
    (tmp_path / "joined").mkdir()
    figures = join_answers.run(parts, join_answers.Params(), tmp_path / "joined", silent)
    assert figures == {"images": 6}, "nine shares of six images: three are empty"
    assert (tmp_path / "joined/answers.tar").read_bytes() == whole.read_bytes()
