"""The step samples, and what becomes of its samples in the steps that feed them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recipebuild.errors import StepError
from recipebuild.steps import samples, tensors
from recipebuild.toolkit.calibration.samples import read_samples
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.dataset import CalibrationSet

INPUT = {"shape": [1, 3, 16, 32], "mean": [1, 2, 3], "std": [4, 5, 6]}
MASK = {"name": "mask", "shape": [1, 4], "dtype": "int64"}


def _nothing(fraction: float, text: str = "") -> None: ...


@pytest.fixture
def inputs(street_images: Path, tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "masks"
    folder.mkdir()
    for at in range(8):
        np.save(folder / f"street-{at}.npy", np.full((1, 4), at, np.int64))
    with tarfile.open(tmp_path / "calibration.tar", "w") as tar:
        for name in ("street-2.jpg", "street-5.jpg"):
            tar.add(street_images / name, name)
    return {"calibration": tmp_path / "calibration.tar", "more_mask": folder}


def _run(inputs: dict[str, Path], out: Path, **params: Any) -> dict[str, Any]:
    out.mkdir(exist_ok=True)
    return samples.run(inputs, samples.Params.model_validate({"tensors": [MASK], "count": 32, **params}), out, _nothing)


def test_each_image_has_its_tensors(inputs: dict[str, Path], tmp_path: Path) -> None:
    metrics = _run(inputs, tmp_path)
    assert metrics["samples"] == 2 and "warnings" not in metrics
    written = dict(read_samples(tmp_path / "samples.tar"))
    assert {name: tensors["mask"].ravel()[0] for name, tensors in written.items()} == {
        "street-2.jpg": 2,
        "street-5.jpg": 5,
    }


def test_without_images_samples_are_drawn(inputs: dict[str, Path], tmp_path: Path) -> None:
    del inputs["calibration"]
    assert _run(inputs, tmp_path / "some", count=3)["samples"] == 3
    _run(inputs, tmp_path / "again", count=3)
    assert (tmp_path / "some/samples.tar").read_bytes() == (tmp_path / "again/samples.tar").read_bytes()
    _run(inputs, tmp_path / "others", count=3, seed=1)
    names = [[name for name, _ in read_samples(tmp_path / f"{run}/samples.tar")] for run in ("some", "others")]
    assert names[0] != names[1] and all(each == sorted(each) for each in names)
    assert "only 8 found" in _run(inputs, tmp_path / "all", count=9)["warnings"][0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, r"^inputs: mask has no file street-5\.npy"),
        (np.zeros((1, 3), np.int64), r"^inputs: street-5\.npy, for mask, is int64 1x3, not int64 1x4"),
        (np.full((1, 4), 2**31), r"street-5\.npy, for mask, goes from 2147483648 to 2147483648: .* int32"),
        (np.full((1, 4), -(2**31) - 1), "goes from -2147483649"),
    ],
)
def test_what_cannot_be_fed_is_named(inputs: dict[str, Path], tmp_path: Path, values: Any, words: str) -> None:
    (inputs["more_mask"] / "street-5.npy").unlink()
    if values is not None:
        np.save(inputs["more_mask"] / "street-5.npy", values)
    with pytest.raises(StepError, match=words):
        _run(inputs, tmp_path)


def test_numbers_that_are_none_are_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    for path in inputs["more_mask"].iterdir():
        np.save(path, np.full((1, 4), np.nan, np.float32))
    with pytest.raises(StepError, match="NaN"):
        _run(inputs, tmp_path, tensors=[{**MASK, "dtype": "float32"}])


def test_all_inputs_of_a_sample_are_in_one_object_for_pulsar2(inputs: dict[str, Path], tmp_path: Path) -> None:
    _run(inputs, tmp_path)
    inputs["samples"] = tmp_path / "samples.tar"
    params = tensors.Params.model_validate({"input": INPUT, "format": "NumpyObject"})
    assert tensors.run(inputs, params, tmp_path, _nothing)["images"] == 2
    with tarfile.open(tmp_path / "calibration-tensors.tar") as tar:
        for name, at in (("street-2.jpg.npy", 2), ("street-5.jpg.npy", 5)):
            file = tar.extractfile(name)
            assert file is not None
            sample = np.load(io.BytesIO(file.read()), allow_pickle=True).item()
            assert sample["pixel_values"].shape == (1, 3, 16, 32) and sample["pixel_values"].dtype == np.float32
            np.testing.assert_array_equal(sample["mask"], np.full((1, 4), at))
            assert sample["mask"].dtype == np.int32, "the chip has no int64"


def test_a_calibration_set_feeds_images_and_tensors_together(inputs: dict[str, Path], tmp_path: Path) -> None:
    _run(inputs, tmp_path)
    spec = ImageSpec.model_validate(INPUT)
    both = CalibrationSet(inputs["calibration"], spec, tmp_path / "samples.tar")
    alone = list(CalibrationSet(inputs["calibration"], spec))
    assert len(both) == 2 and both.only_image is None
    for at, (feed, image) in enumerate(zip(both, alone, strict=True)):
        assert isinstance(feed, dict)
        np.testing.assert_array_equal(feed["pixel_values"], image)
        assert feed["mask"].ravel()[0] == (2, 5)[at]
