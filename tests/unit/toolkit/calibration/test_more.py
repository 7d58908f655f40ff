"""Tensors that go with calibration images: found by name, checked, and packed together with the image's."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from recipebuild.errors import StepError
from recipebuild.steps import tensors
from recipebuild.toolkit.calibration.more import more_tensor

INPUT = {"shape": [1, 3, 16, 32], "mean": [1, 2, 3], "std": [4, 5, 6]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "masks"
    place.mkdir()
    for at in range(8):
        np.save(place / f"street-{at}.npy", np.full((1, 4), at, np.int32))
    return place


@pytest.mark.parametrize(
    ("image", "shape", "words"),
    [
        ("street-9.jpg", (1, 4), r"mask has no street-9\.npy for the image street-9\.jpg"),
        ("street-1.jpg", (1, 5), r"street-1\.npy of mask is 1x4, not 1x5"),
        ("broken.jpg", (1, 4), r"broken\.npy of mask cannot be read"),
        ("pickled.jpg", (1, 4), r"pickled\.npy of mask cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, image: str, shape: tuple[int, ...], words: str) -> None:
    (folder / "broken.npy").write_bytes(b"no array")
    np.save(folder / "pickled.npy", np.array({"a": 1}), allow_pickle=True)
    with pytest.raises(StepError, match=words):
        more_tensor(folder, "mask", shape, image)


def test_all_inputs_of_a_sample_are_in_one_object(folder: Path, street_images: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "calibration.tar", "w") as tar:
        for name in ("street-2.jpg", "street-5.jpg"):
            tar.add(street_images / name, name)
    params = tensors.Params.model_validate({"input": INPUT, "format": "NumpyObject", "more": {"mask": [1, 4]}})
    inputs = {"calibration": tmp_path / "calibration.tar", "more_mask": folder}
    assert tensors.run(inputs, params, tmp_path, lambda fraction, text="": None)["images"] == 2
    with tarfile.open(tmp_path / "calibration-tensors.tar") as tar:
        for name, at in (("street-2.jpg.npy", 2), ("street-5.jpg.npy", 5)):
            file = tar.extractfile(name)
            assert file is not None
            found = np.load(io.BytesIO(file.read()), allow_pickle=True).item()
            assert found["pixel_values"].shape == (1, 3, 16, 32) and found["pixel_values"].dtype == np.float32
            np.testing.assert_array_equal(found["mask"], np.full((1, 4), at, np.int32))
