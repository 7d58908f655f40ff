"""Datasets as they come: every layout gives the same kind of samples, and says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, FEATURES, RESTORATION
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read, read_depth, read_label, read_truth, samples
from recipebuild.toolkit.evaluate.layouts import layout_name

CITIES = DatasetSpec()
KINDS = DatasetSpec(task=CLASSIFICATION)
METRES = DatasetSpec(task=DEPTH, depth_scale=256)


def picture(path: Path, size: tuple[int, int] = (4, 2)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "red").save(path)


def array(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def names(entries: list) -> list[str]:
    return [sample.name for sample in entries]


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    ids = np.array([[0, 4, 7, 8], [33, 31, 29, 255]], np.uint8)  # 4 static, 29 caravan: not evaluated
    for name in ("ulm/ulm_000000_000019", "bonn/bonn_000001_000019"):
        picture(tmp_path / f"leftImg8bit/val/{name}_leftImg8bit.png")
        array(tmp_path / f"gtFine/val/{name}_gtFine_labelIds.png", ids)
        array(tmp_path / f"gtFine/val/{name}_gtFine_instanceIds.png", ids)
        (tmp_path / f"gtFine/val/{name}_gtFine_polygons.json").write_text("{}")
    picture(tmp_path / "leftImg8bit/train/ulm/ulm_000001_000019_leftImg8bit.png")
    return tmp_path


def test_cityscapes_is_told_by_its_folders_and_mapped_to_trainids(cityscapes: Path) -> None:
    entries = samples(cityscapes)
    assert names(entries) == ["bonn/bonn_000001_000019", "ulm/ulm_000000_000019"]
    _, label = read(entries[0], classes=19)
    assert label.tolist() == [[255, 255, 0, 1], [18, 16, 255, 255]]


def test_cityscapes_trainids_are_taken_as_they_are_where_they_were_made(cityscapes: Path) -> None:
    path = cityscapes / "gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png"
    array(path, np.array([[7, 8, 18, 255]] * 2, np.uint8))
    assert read_label(samples(cityscapes)[1], 19)[0].tolist() == [7, 8, 18, 255]


def test_every_trainid_has_one_id() -> None:
    from recipebuild.toolkit.evaluate.trainids import CITYSCAPES_IDS

    assert list(CITYSCAPES_IDS.values()) == list(range(19))
    assert list(CITYSCAPES_IDS) == sorted(CITYSCAPES_IDS)


def test_a_split_that_is_not_there_is_named_with_those_that_are(cityscapes: Path) -> None:
    with pytest.raises(StepError, match="no split test") as caught:
        samples(cityscapes, spec=DatasetSpec(split="test"))
    assert "train, val" in caught.value.remedy
    with pytest.raises(StepError, match=r"_gtFine_labelIds\.png in gtFine/train/"):
        samples(cityscapes, spec=DatasetSpec(split="train"))


def test_ade20k_counts_its_classes_from_1(tmp_path: Path) -> None:
    for split in ("training", "validation"):
        picture(tmp_path / f"images/{split}/ADE_{split}_1.jpg")
        array(tmp_path / f"annotations/{split}/ADE_{split}_1.png", np.array([[0, 1, 2, 150], [150, 3, 0, 1]], np.uint8))
    (sample,) = samples(tmp_path)
    assert sample.name == "ADE_validation_1"
    assert read_label(sample, 150).tolist() == [[255, 0, 1, 149], [149, 2, 255, 0]]
    with pytest.raises(StepError, match="class id 150") as caught:
        read_label(samples(tmp_path, spec=DatasetSpec(reduce_labels=False))[0], 150)
    assert "evaluate.reduce_labels" in caught.value.remedy


def test_labels_of_any_folder_can_be_reduced(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.jpg")
    array(tmp_path / "labels/a.png", np.array([[0, 1, 2, 255]] * 2, np.uint8))
    assert read_label(samples(tmp_path)[0], 3)[0].tolist() == [0, 1, 2, 255]
    assert read_label(samples(tmp_path, spec=DatasetSpec(reduce_labels=True))[0], 3)[0].tolist() == [255, 0, 1, 255]


def test_depth_maps_are_arrays_or_pngs_with_a_scale(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / f"images/{name}.jpg")
    array(tmp_path / "depth/a.png", np.array([[0, 256, 512, 65535]] * 2, np.uint16))
    np.save(tmp_path / "depth/b.npy", np.array([[np.nan, -1.0, 0.0, 2.5]] * 2))
    png, numpy = samples(tmp_path, spec=METRES)
    image, depth = read_truth(png, DEPTH, 0)
    assert image.size == (4, 2)
    assert depth.dtype == np.float32
    assert depth[0].tolist() == pytest.approx([0, 1, 2, 65535 / 256])
    assert read_depth(numpy)[0].tolist() == [0, 0, 0, 2.5]
    with pytest.raises(StepError, match=r"depth/a\.png holds whole numbers") as caught:
        read_depth(samples(tmp_path)[0])
    assert "evaluate.depth_scale" in caught.value.remedy


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 4)), "no pixel whose depth is known"),
        (np.ones((2, 4, 3)), r"float64 \[2, 4, 3\]"),
        (np.ones((3, 4)), r"depth/a\.npy is 4x3, but its image is 4x2"),
    ],
)
def test_bad_depth_maps_are_named(tmp_path: Path, values: np.ndarray, message: str) -> None:
    picture(tmp_path / "images/a.jpg")
    (tmp_path / "depth").mkdir()
    np.save(tmp_path / "depth/a.npy", values)
    with pytest.raises(StepError, match=message):
        read_truth(samples(tmp_path)[0], DEPTH, 0)


def test_class_folders_are_counted_in_their_order(tmp_path: Path) -> None:
    for kind in ("n02", "n01", "n03"):
        for name in ("x", "y"):
            picture(tmp_path / f"val/{kind}/{name}.jpg")
    entries = samples(tmp_path, spec=KINDS)
    assert [(s.name, s.label) for s in entries[:3]] == [("n01/x", 0), ("n01/y", 0), ("n02/x", 1)]
    assert read_truth(entries[-1], CLASSIFICATION, 3)[1] == 2
    with pytest.raises(StepError, match="3 class folders, and the model 1000 classes"):
        read_truth(entries[0], CLASSIFICATION, 1000)


def test_class_folders_named_by_ids_need_not_be_all(tmp_path: Path) -> None:
    for kind in ("7", "207"):
        picture(tmp_path / f"{kind}/x.jpg")
    entries = samples(tmp_path, spec=KINDS)
    assert [read_truth(sample, CLASSIFICATION, 1000)[1] for sample in entries] == [207, 7]
    with pytest.raises(StepError, match="class id 207, but the 100 classes"):
        read_truth(entries[0], CLASSIFICATION, 100)


def test_images_alone_have_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "deep/b.png")
    entries = samples(tmp_path, spec=DatasetSpec(layout="images"))
    assert [(sample.name, sample.label) for sample in entries] == [("a", None), ("deep/b", None)]
    assert layout_name(tmp_path, DatasetSpec(task=FEATURES)) == "images"
    with pytest.raises(StepError, match="has an unknown layout") as caught:
        samples(tmp_path)
    assert "evaluate.layout" in caught.value.remedy
    with pytest.raises(StepError, match=r"a\.jpg has no label map"):
        read(entries[0], 3)


def test_a_layout_may_be_named_where_folders_would_tell_another(cityscapes: Path) -> None:
    assert len(samples(cityscapes, spec=DatasetSpec(layout="images"))) == 7


@pytest.mark.parametrize("layout", ["folders", "depth", "classes", "images"])
def test_an_empty_dataset_says_what_it_needs(tmp_path: Path, layout: str) -> None:
    for name in ("images", "labels", "depth"):
        (tmp_path / name).mkdir()
    with pytest.raises(StepError, match="is empty") as caught:
        samples(tmp_path, spec=DatasetSpec.model_validate({"layout": layout}))
    assert "it needs " in caught.value.remedy


def test_targets_are_images_of_the_same_names(tmp_path: Path) -> None:
    picture(tmp_path / "images/b/a.jpg")
    picture(tmp_path / "targets/b/a.png", (8, 4))
    spec = DatasetSpec(task=RESTORATION)
    (one,) = samples(tmp_path, spec=spec)
    assert layout_name(tmp_path, spec) == "targets" and one.name == "b/a"
    image, target = read_truth(one, RESTORATION, 0)
    assert (image.size, target.pixels.shape, target.factor) == ((4, 2), (4, 8, 3), 2)


@pytest.mark.parametrize("size", [(2, 1), (8, 6), (6, 3)])
def test_targets_that_are_no_whole_number_of_times_as_large_are_named(tmp_path: Path, size: tuple[int, int]) -> None:
    picture(tmp_path / "images/a.png")
    picture(tmp_path / "targets/a.png", size)
    with pytest.raises(StepError, match=rf"targets/a\.png is {size[0]}x{size[1]}, and its image 4x2"):
        read_truth(samples(tmp_path, spec=DatasetSpec(task=RESTORATION))[0], RESTORATION, 0)


def test_an_image_without_target_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png")
    picture(tmp_path / "images/b.png")
    picture(tmp_path / "targets/b.png")
    with pytest.raises(StepError, match=r"no target in targets/ for images/a\.png"):
        samples(tmp_path, spec=DatasetSpec(task=RESTORATION))
