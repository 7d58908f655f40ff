"""``check`` looks at the images and labels that a build will read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import recipebuild
from recipebuild.recipe.problems import Problem

RECIPE = """\
model: {{source: {model}}}
input: {{name: pixel_values, shape: [1, 3, 16, 32], mean: [0, 0, 0], std: [1, 1, 1]}}
calibration: {{source: photos}}
evaluate: {{dataset: data}}
"""


def write_image(path: Path, width: int = 32, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (width, 16)).save(path)


@pytest.fixture
def folder(tmp_path: Path, small_onnx: Path) -> Path:
    write_image(tmp_path / "photos/a.jpg")
    write_image(tmp_path / "data/images/a.jpg")
    write_image(tmp_path / "data/labels/a.png", mode="L")
    (tmp_path / "r.yaml").write_text(RECIPE.format(model=small_onnx))
    return tmp_path


def problem(folder: Path) -> Problem:
    (mistake,) = recipebuild.check(str(folder / "r.yaml"))[0].problems
    return mistake


def test_what_fits_is_no_problem(folder: Path) -> None:
    assert recipebuild.check(str(folder / "r.yaml"))[0].problems == []


def test_a_calibration_folder_without_images(folder: Path) -> None:
    (folder / "photos/a.jpg").rename(folder / "photos/a.txt")
    mistake = problem(folder)
    assert (mistake.field, mistake.place.line) == ("calibration.source", 3)
    assert mistake.message.startswith("there is no image in ")


def test_an_image_without_a_label(folder: Path) -> None:
    write_image(folder / "data/images/b.jpg")
    mistake = problem(folder)
    assert (mistake.field, mistake.message) == ("evaluate.dataset", "no label in labels/ for images/b.jpg")


def test_a_label_of_another_size(folder: Path) -> None:
    write_image(folder / "data/labels/a.png", width=16, mode="L")
    mistake = problem(folder)
    assert (mistake.field, mistake.message) == ("evaluate.dataset", "labels/a.png is 16x16, but its image is 32x16")


@pytest.mark.parametrize(("size", "fits"), [((64, 32), True), ((64, 16), False)])
def test_a_target_of_super_resolution_is_a_whole_number_of_times_as_large(
    folder: Path, size: tuple[int, int], fits: bool
) -> None:
    recipe = (folder / "r.yaml").read_text().replace(".onnx}", ".onnx, task: image-to-image}")
    (folder / "r.yaml").write_text(f"{recipe}head: {{kind: none}}\n")
    (folder / "data/labels").rename(folder / "data/targets")
    Image.new("RGB", size).save(folder / "data/targets/a.png")
    assert (recipebuild.check(str(folder / "r.yaml"))[0].problems == []) == fits


@pytest.mark.parametrize("suffix", ["jpg", "npy"])
def test_labels_of_another_kind(folder: Path, suffix: str) -> None:
    (folder / "data/labels/a.png").unlink()
    if suffix == "npy":
        np.save(folder / "data/labels/a.npy", np.zeros((16, 32)))
    else:
        write_image(folder / "data/labels/a.jpg", mode="L")
    mistake = problem(folder)
    assert (mistake.field, mistake.message) == ("evaluate.dataset", f"labels/a.{suffix} is no .png file")
    assert "class ids" in mistake.remedy
