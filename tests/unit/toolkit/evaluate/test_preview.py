"""The picture: where things are in it, and that they have the right colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.dataset import samples
from recipebuild.toolkit.evaluate.palette import CITYSCAPES, IGNORED, palette
from recipebuild.toolkit.evaluate.preview import Row, draw, most_varied

ROAD, CAR, POLE = (CITYSCAPES[i].color for i in (0, 13, 5))
GREEN = (10, 200, 10)


def row(size: tuple[int, int] = (64, 32), **masks: int) -> Row:
    """A green image, and by title masks of one class at a quarter of its size."""
    small = (size[1] // 4, size[0] // 4)
    return Row(Image.new("RGB", size, GREEN), {title: np.full(small, class_id) for title, class_id in masks.items()})


def colours(picture: Image.Image) -> dict[tuple[int, int, int], tuple[int, int, int, int]]:
    """Left, top, right, bottom of all pixels of each of the colours above that occurs."""
    pixels = np.asarray(picture).astype(int) @ (1 << 16, 1 << 8, 1)
    boxes = {}
    for color in (ROAD, CAR, POLE, GREEN, IGNORED):
        y, x = np.nonzero(pixels == np.dot(color, (1 << 16, 1 << 8, 1)))
        if len(x):
            boxes[color] = (int(x.min()), int(y.min()), int(x.max()), int(y.max()))
    return boxes


def test_columns_stand_in_order_and_legend_below() -> None:
    places = colours(draw([row(float=0, quantized=13, truth=5)], CITYSCAPES))
    lefts = [places[color] for color in (GREEN, ROAD, CAR, POLE)]
    assert [box[2] for box in lefts] == sorted(box[2] for box in lefts)
    assert places[GREEN][3] < places[ROAD][3]  # the road's colour is in the legend too


def test_each_image_has_a_row_of_its_own_shape() -> None:
    narrow = draw([row((64, 32), float=0)], CITYSCAPES)
    both = draw([row((64, 32), float=0), row((64, 64), float=13)], CITYSCAPES)
    assert both.width == narrow.width
    panel = colours(narrow)[GREEN]
    width = panel[2] - panel[0] + 1
    assert both.height - narrow.height == pytest.approx(width, abs=20)


@pytest.mark.parametrize("columns", [1, 2, 3, 6])
def test_it_is_never_wider_than_a_screen(columns: int) -> None:
    masks = {f"mask {i}": 0 for i in range(columns)}
    assert draw([row((2000, 1000), **masks)], CITYSCAPES).width <= 2000


def test_a_very_tall_image_does_not_make_it_endless() -> None:
    assert draw([row((10, 4000), float=0)], CITYSCAPES).height < 1000


def test_many_classes_wrap_into_several_lines_of_legend() -> None:
    ids = np.arange(150).reshape(10, 15)
    few = draw([Row(Image.new("RGB", (60, 40)), {"float": ids % 3})], palette(class_names(150)))
    many = draw([Row(Image.new("RGB", (60, 40)), {"float": ids})], palette(class_names(150)))
    assert many.width == few.width
    assert many.height > few.height + 100


def test_ignored_pixels_are_black_and_in_the_legend() -> None:
    places = colours(draw([row(float=0, truth=255)], CITYSCAPES))
    assert places[IGNORED][0] < places[ROAD][2]  # the legend begins further left than the last column


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P"])
def test_images_of_any_mode_can_be_shown(mode: str) -> None:
    draw([Row(Image.new(mode, (64, 32)), {"float": np.zeros((8, 16), np.int64)})], CITYSCAPES)


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw([row(float=0, quantized=13)], CITYSCAPES).save(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_most_varied_images_are_chosen(colour_dataset: Path) -> None:
    Image.new("L", (32, 16), 1).save(colour_dataset / "labels/0.png")
    Image.fromarray(np.arange(9, dtype=np.uint8).reshape(3, 3)).resize((32, 16)).save(colour_dataset / "labels/4.png")
    chosen = most_varied(samples(colour_dataset), 3, classes=19, seed=0)
    assert [sample.name for sample in chosen] == ["4", "1", "2"]
