"""The quickstart's data: the generator draws what it says, and the committed files keep their promises."""

from __future__ import annotations

import json
import struct
from math import prod
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.streets import labels as classes
from scripts.streets import scenes, train

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "recipes" / "quickstart"
NAMES = 19


def test_a_seed_draws_the_same_scene_again() -> None:
    first, again, other = (scenes.draw_scene(seed) for seed in (7, 7, 8))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.image, other.image)


def test_a_scene_has_a_picture_a_label_map_of_its_size_and_known_classes() -> None:
    scene = scenes.draw_scene(11)
    assert scene.image.shape == (256, 512, 3)
    assert scene.image.dtype == np.uint8
    assert scene.labels.shape == (256, 512)
    assert scene.labels.dtype == np.uint8
    assert set(np.unique(scene.labels)) <= {*range(NAMES), classes.IGNORE}
    assert len(np.unique(scene.labels)) >= 6


def test_boxes_end_where_what_is_seen_of_a_thing_ends() -> None:
    scene = scenes.draw_scene(102)
    assert {thing.label for thing in scene.objects} == set(classes.OBJECTS)
    for thing in scene.objects:
        left, top, right, bottom = thing.box
        inside = scene.labels[top:bottom, left:right] == thing.label
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
        narrow = min(right - left, bottom - top) < scenes.LEAST_SIDE
        assert thing.hidden or not narrow


def test_the_three_sets_share_no_seed() -> None:
    sets = [set(scenes.TRAINING), set(scenes.CALIBRATION), set(scenes.HELD_OUT)]
    assert len(set.union(*sets)) == sum(map(len, sets))


def test_accuracy_counts_only_labelled_pixels_and_classes_that_are_present() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[4:] = 2
    labels[:, 4:] = 255
    scene = scenes.Scene(np.zeros((8, 8, 3), np.uint8), labels)
    accuracy = train.measure([scene], lambda _: np.array([[0, 5], [0, 5]]))
    assert accuracy.iou == {"road": 0.5, "building": 0.0}
    assert accuracy.mean_iou == 0.25
    assert accuracy.pixel_accuracy == 0.5


def test_the_committed_labels_are_those_that_the_generator_draws() -> None:
    drawn = scenes.draw_scene(scenes.HELD_OUT[0])
    labels = np.asarray(Image.open(DATA / "heldout" / "labels" / "street-00.png"))
    image = np.asarray(Image.open(DATA / "heldout" / "images" / "street-00.jpg"), np.float32)
    # Another NumPy or Pillow may round an edge otherwise, and JPEG is lossy.
    assert np.mean(labels == drawn.labels) > 0.999
    assert np.mean(np.abs(image - drawn.image)) < 6
    content = json.loads((DATA / "heldout" / "instances.json").read_text(encoding="utf-8"))
    boxes = [row["bbox"] for row in content["annotations"] if row["image_id"] == 0]
    corners = [[left, top, left + wide, top + high] for left, top, wide, high in boxes]
    assert np.abs(np.array(corners) - [thing.box for thing in drawn.objects]).max() <= 1
    assert [image["file_name"] for image in content["images"]] == [f"street-{i:02d}.jpg" for i in range(24)]


@pytest.mark.parametrize(("folder", "count"), [("calibration", 32), ("heldout/images", 24)])
def test_committed_images_are_all_there_and_of_one_size(folder: str, count: int) -> None:
    paths = sorted((DATA / folder).iterdir())
    assert [p.name for p in paths] == [f"street-{i:02d}.jpg" for i in range(count)]
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (512, 256))


def test_every_held_out_image_has_a_label_map_and_together_they_show_enough_classes() -> None:
    images, labels = (sorted((DATA / "heldout" / kind).iterdir()) for kind in ("images", "labels"))
    assert [p.stem for p in images] == [p.stem for p in labels]
    seen: set[int] = set()
    for path in labels:
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (512, 256))
            seen |= set(np.unique(np.asarray(image)).tolist())
    assert seen <= {*range(NAMES), 255}
    assert {0, 1, 2, 5, 8, 10, 11, 13} <= seen  # road, sidewalk, building, pole, vegetation, sky, person, car


def test_no_calibration_image_is_a_held_out_one() -> None:
    calibration, held_out = (
        {path.read_bytes() for path in (DATA / folder).iterdir()} for folder in ("calibration", "heldout/images")
    )
    assert len(calibration) == 32
    assert len(held_out) == 24
    assert not calibration & held_out


def test_the_committed_model_is_a_small_segformer_with_cityscapes_names() -> None:
    with (DATA / "model" / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    assert 100_000 < sum(prod(tensor["shape"]) for tensor in header.values()) < 1_000_000
    config = json.loads((DATA / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["SegformerForSemanticSegmentation"]
    assert [config["id2label"][str(i)] for i in range(NAMES)] == list(classes.NAMES)
    assert not [value for value in config.values() if isinstance(value, str) and "/" in value]


def test_the_preprocessor_says_what_the_recipe_says() -> None:
    preprocessor = json.loads((DATA / "model" / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert np.allclose(np.multiply(preprocessor["image_mean"], 255), (123.675, 116.28, 103.53), atol=0.01)
    assert np.allclose(np.multiply(preprocessor["image_std"], 255), (58.395, 57.12, 57.375), atol=0.01)
    assert preprocessor["size"] == {"height": 256, "width": 512}


def test_everything_together_stays_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 8_000_000


def test_the_readme_names_the_measured_accuracy_and_the_licence() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in text
    assert float(text.split("**mIoU ")[1].split("**")[0]) >= 0.70
