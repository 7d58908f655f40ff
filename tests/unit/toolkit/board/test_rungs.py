"""Quantization, compiler and firmware on the same images: a planted difference is found at its rung."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from recipebuild.figures.ladder import Ladder
from recipebuild.toolkit.board.rungs import board_rungs, same_bytes
from recipebuild.toolkit.evaluate.dataset import DatasetSpec
from recipebuild.toolkit.evaluate.measure import Measurement
from recipebuild.toolkit.evaluate.recorded import write_outputs

NAMES = [f"{at:02}" for at in range(40)]
TRUTH = np.tile(np.arange(32, dtype=np.int32) % 3, (16, 1))
WRONG = (TRUTH + 1) % 3

Ids = npt.NDArray[np.int32]


@pytest.fixture
def how(tmp_path: Path, colour_model: Callable[..., Path]) -> Measurement:
    for folder in ("images", "labels"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    Image.new("RGB", (32, 16)).save(tmp_path / "set/images/00.png")
    Image.fromarray(TRUTH.astype(np.uint8)).save(tmp_path / "set/labels/00.png")
    return Measurement.of(colour_model(), tmp_path / "set", DatasetSpec(), relative=False)


def climbed(how: Measurement, folder: Path, reference: Ids, simulated: Ids, board: Ids) -> Ladder:
    inputs = {}
    for name, ids in (("reference_predictions", reference), ("predictions", simulated)):
        inputs[name] = folder / f"{name}.tar"
        write_outputs(inputs[name], ((sample, [ids[None]]) for sample in NAMES))
    rungs = board_rungs(inputs, NAMES, how)
    assert rungs is not None
    for sample in NAMES:
        rungs.add(sample, TRUTH.astype(np.int64), [TRUTH[None].astype(np.int64)], [board[None]])
    return rungs.ladder("miou")


def test_where_all_three_hold_nothing_is_lost(how: Measurement, tmp_path: Path) -> None:
    ladder = climbed(how, tmp_path, TRUTH, TRUTH, TRUTH)
    assert [row["rung"] for row in ladder.rows] == ["head", "emulated", "simulated", "board"]
    assert ladder.images == 14  # of 40 every third
    assert (ladder.rows[-1]["bytes_same"], ladder.rows[-1]["images_same"]) == (1.0, 14)
    assert ladder.verdict == "No stage loses accuracy." and ladder.warnings == []


@pytest.mark.parametrize(
    ("ids", "rung"),
    [
        ((WRONG, WRONG, WRONG), "quantization (Reference)"),
        ((TRUTH, WRONG, WRONG), "compiler (NPUBackend)"),
        ((TRUTH, TRUTH, WRONG), "firmware (board)"),
    ],
)
def test_the_rung_that_differs_is_named(how: Measurement, tmp_path: Path, ids: tuple[Ids, Ids, Ids], rung: str) -> None:
    ladder = climbed(how, tmp_path, *ids)
    assert f"Largest loss: {rung}, mIoU 100.00 to 0.00 %" in ladder.verdict
    assert [text[:5] for text in ladder.warnings] == ["RB703"] * (rung == "firmware (board)")


def test_one_byte_of_the_board_is_told_though_no_figure_shows_it(how: Measurement, tmp_path: Path) -> None:
    board = TRUTH.copy()
    board[0, 0] = 2
    ladder = climbed(how, tmp_path, TRUTH, TRUTH, board)
    (warning,) = ladder.warnings
    assert warning.startswith("RB703 the board differs from NPUBackend on 14 of 14 images (99.95 % of the bytes")
    assert ladder.rows[-1]["images_same"] == 0


def test_without_simulations_or_dataset_there_is_no_ladder(how: Measurement) -> None:
    assert board_rungs({}, NAMES, how) is None
    assert board_rungs({"predictions": Path(), "reference_predictions": Path()}, NAMES, None) is None


def test_tensors_of_unlike_size_share_nothing() -> None:
    assert same_bytes(TRUTH, TRUTH[:1]) == 0.0
    assert same_bytes(TRUTH[:0], TRUTH[:0]) == 1.0
