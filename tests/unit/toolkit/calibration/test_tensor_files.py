"""Tensors that are fed as they are: found by name, in folders and archives, and checked."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.tensor_files import TensorSpec, read_tensor, tensor_files

MASK = TensorSpec(name="mask", shape=(1, 4), dtype="int32")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "masks"
    (place / "below").mkdir(parents=True)
    np.save(place / "b.npy", np.arange(4, dtype=np.int32)[np.newaxis])
    np.savez(place / "below" / "a.npz", mask=np.ones((1, 4), np.int32), other=np.zeros(3))
    (place / "c.bin").write_bytes(np.array([5, 6, 7, -8], "<i4").tobytes())
    (place / ".hidden.npy").touch()
    (place / "notes.txt").touch()
    return place


def _values(source: Path) -> dict[str, list[int]]:
    with tensor_files(source) as files:
        return {name: read_tensor(file, MASK).ravel().tolist() for name, file in files.items()}


def test_each_kind_of_file_is_read_by_the_samples_name(folder: Path) -> None:
    assert _values(folder) == {"a": [1, 1, 1, 1], "b": [0, 1, 2, 3], "c": [5, 6, 7, -8]}


def test_archives_hold_the_same(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "masks.tar.gz", "w:gz") as tar:
        tar.add(folder, "masks")
    with zipfile.ZipFile(tmp_path / "masks.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))
    assert _values(tmp_path / "masks.tar.gz") == _values(tmp_path / "masks.zip") == _values(folder)


@pytest.mark.parametrize(
    ("name", "content", "spec", "words"),
    [
        ("x.npy", np.zeros((1, 5), np.int32), {}, r"x\.npy, for mask, is int32 1x5, not int32 1x4"),
        ("x.npy", np.zeros((1, 4), np.float32), {}, r"x\.npy, for mask, is float32 1x4, not int32 1x4"),
        ("x.npy", np.zeros((1, 5), np.int32), {"dtype": None}, "is int32 1x5, not any type 1x4"),
        ("x.npy", b"no array", {}, r"x\.npy, for mask, cannot be read"),
        ("x.npy", np.array({"a": 1}), {}, r"x\.npy, for mask, cannot be read"),
        ("x.npz", b"PK\x03\x04 and no more", {}, r"x\.npz, for mask, cannot be read"),
        ("x.bin", b"123", {}, r"x\.bin, for mask, has 3 bytes, and int32 1x4 has 16"),
        ("x.bin", b"1" * 16, {"dtype": None}, "does not say its element type"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, content: Any, spec: Any, words: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        np.save(tmp_path / name, content)
    with tensor_files(tmp_path) as files, pytest.raises(StepError, match=words):
        read_tensor(files["x"], MASK.model_copy(update=spec))


def test_an_archive_of_other_arrays_names_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", one=np.zeros(1), two=np.zeros(1))
    with tensor_files(tmp_path) as files, pytest.raises(StepError, match="has no array mask, but one, two"):
        read_tensor(files["x"], MASK)


def test_two_files_for_one_sample(folder: Path) -> None:
    np.save(folder / "a.npy", np.ones((1, 4), np.int32))
    with (
        pytest.raises(StepError, match=r"a\.npy and below/a\.npz in masks are both for the sample a"),
        tensor_files(folder),
    ):
        pass


def test_no_tensors(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="there is no tensor in"), tensor_files(tmp_path):
        pass
