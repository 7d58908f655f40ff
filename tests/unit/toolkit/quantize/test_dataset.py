"""The calibration set: preprocessed, in order, as often as asked for."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.dataset import CalibrationSet


def _archive(files: list[Path], path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        for file in files:
            tar.add(file, file.name)
    return path


@pytest.mark.parametrize("repeats", [1, 2])
def test_batches_are_the_preprocessed_images_in_the_order_of_their_names(
    street_images: Path, tmp_path: Path, repeats: int
) -> None:
    files = sorted(street_images.iterdir())
    spec = ImageSpec(shape=(repeats, 3, 32, 64), mean=(100, 110, 120), std=(50, 60, 70))
    batches = CalibrationSet(_archive(files[::-1], tmp_path / "calibration.tar"), spec)
    assert len(batches) == 8
    for _ in range(2):
        for file, batch in zip(files, batches, strict=True):
            assert batch.shape == spec.shape
            for image in batch:
                np.testing.assert_array_equal(image, preprocess(Image.open(file), spec)[0])


def test_an_archive_without_images_is_an_error(tmp_path: Path) -> None:
    spec = ImageSpec(shape=(1, 3, 32, 64), mean=(0, 0, 0), std=(1, 1, 1))
    with pytest.raises(StepError, match="no image"):
        len(CalibrationSet(_archive([], tmp_path / "calibration.tar"), spec))
