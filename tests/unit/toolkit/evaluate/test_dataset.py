"""Labelled folders, and all that can be wrong with one."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.toolkit.evaluate.dataset import read, read_label, samples

IDS = np.array([[0, 1, 2, 3], [3, 2, 1, 255]], np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for name in ("a", "b", "c", "d"):
        Image.new("RGB", (4, 2), "red").save(tmp_path / f"images/{name}.jpg")
        Image.fromarray(IDS).save(tmp_path / f"labels/{name}.png")
    return tmp_path


def names(entries: list) -> list[str]:
    return [sample.name for sample in entries]


def test_images_and_labels_are_paired_by_name(dataset: Path) -> None:
    entries = samples(dataset)
    assert names(entries) == ["a", "b", "c", "d"]
    image, label = read(entries[0], classes=4)
    assert image.size == (4, 2)
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, IDS)


def test_folders_below_are_part_of_the_name(dataset: Path) -> None:
    for part, suffix in (("images", "jpg"), ("labels", "png")):
        (dataset / part / "ulm").mkdir()
        (dataset / part / f"a.{suffix}").rename(dataset / part / f"ulm/a.{suffix}")
    assert names(samples(dataset)) == ["b", "c", "d", "ulm/a"]


def test_a_draw_is_repeatable_and_sorted(dataset: Path) -> None:
    draws = {seed: names(samples(dataset, 2, seed)) for seed in range(10)}
    assert draws[0] == names(samples(dataset, 2, 0)) == sorted(draws[0])
    assert len({tuple(draw) for draw in draws.values()}) > 1
    assert names(samples(dataset, 100)) == ["a", "b", "c", "d"]


def palette_label(path: Path) -> None:
    label = Image.fromarray(IDS)
    label.putpalette([7] * 768)
    label.save(path)


def four_bit_label(path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 4, 2, 4, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x01\x23\0\x32\x10")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def sixteen_bit_label(path: Path) -> None:
    Image.fromarray(IDS.astype(np.uint16)).save(path)


@pytest.mark.parametrize("make", [palette_label, four_bit_label, sixteen_bit_label])
def test_ids_are_read_as_stored_whatever_the_depth_or_palette(dataset: Path, make) -> None:
    make(dataset / "labels/a.png")
    label = read_label(samples(dataset)[0], classes=4)
    expected = IDS if make is not four_bit_label else np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    np.testing.assert_array_equal(label, expected)


def test_a_label_of_one_bit_has_classes_0_and_1(dataset: Path) -> None:
    Image.fromarray(np.array([[0, 1, 1, 0], [1, 0, 0, 1]], bool)).save(dataset / "labels/a.png")
    assert read_label(samples(dataset)[0], classes=2).tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]


def remove_label(dataset: Path) -> None:
    (dataset / "labels/b.png").unlink()


def remove_image(dataset: Path) -> None:
    (dataset / "images/b.jpg").unlink()


def label_is_jpeg(dataset: Path) -> None:
    (dataset / "labels/b.png").rename(dataset / "labels/b.jpg")


def two_of_a_name(dataset: Path) -> None:
    Image.new("RGB", (4, 2)).save(dataset / "images/b.png")


def nothing(dataset: Path) -> None:
    for file in [*dataset.glob("images/*"), *dataset.glob("labels/*")]:
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove_label, r"no label in labels/ for images/b\.jpg"),
        (remove_image, r"no image in images/ for labels/b\.png"),
        (label_is_jpeg, r"labels/b\.jpg is no \.png file"),
        (two_of_a_name, r"b\.jpg and b\.png in .*images have the same name"),
        (nothing, "is empty"),
    ],
)
def test_a_set_that_does_not_fit_together_is_refused(dataset: Path, spoil, message: str) -> None:
    spoil(dataset)
    with pytest.raises(StepError, match=message):
        samples(dataset)


def test_a_folder_that_does_not_exist_is_an_empty_dataset(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is empty"):
        samples(tmp_path / "gone")


def wrong_size(path: Path) -> None:
    Image.fromarray(IDS.repeat(2, 0)).save(path)


def wrong_id(path: Path) -> None:
    Image.fromarray(IDS + 9).save(path)


def large_id(path: Path) -> None:
    Image.fromarray(np.full((2, 4), 26000, np.uint16)).save(path)


def coloured(path: Path) -> None:
    Image.new("RGB", (4, 2), "red").save(path)


def jpeg_inside(path: Path) -> None:
    Image.fromarray(IDS).save(path, "JPEG")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (wrong_size, r"labels/a\.png is 4x4, but its image is 4x2"),
        (wrong_id, r"labels/a\.png has class id 8, but the 4 classes are 0\.\.3 \(and 255 to ignore\)"),
        (large_id, r"labels/a\.png has class id 26000"),
        (coloured, r"labels/a\.png is a PNG image of mode RGB"),
        (jpeg_inside, r"labels/a\.png is a JPEG image"),
        (truncated, r"labels/a\.png: "),
    ],
)
def test_a_wrong_label_is_refused_by_name(dataset: Path, spoil, message: str) -> None:
    spoil(dataset / "labels/a.png")
    with pytest.raises(StepError, match=message):
        read(samples(dataset)[0], classes=4)


def test_a_broken_image_is_refused_by_name(dataset: Path) -> None:
    (dataset / "images/a.jpg").write_bytes(b"broken")
    with pytest.raises(StepError, match=r"images/a\.jpg: not a JPEG"):
        read(samples(dataset)[0], classes=4)


def test_where_exif_turns_the_image_the_size_error_says_so(dataset: Path) -> None:
    turned = Image.new("RGB", (2, 4))
    turned.getexif()[0x0112] = 6
    turned.save(dataset / "images/a.jpg", exif=turned.getexif())
    with pytest.raises(StepError, match=r"is 4x2, but its image is 2x4, which EXIF marks as rotated") as caught:
        read(samples(dataset)[0], classes=4)
    assert "store the image upright" in caught.value.remedy
