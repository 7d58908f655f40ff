"""Labels of objects as three tools write them: the same boxes of each, and what is wrong with a file in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.facts.tasks import DETECTION
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_truth, samples
from recipebuild.toolkit.evaluate.layouts import layout_name

NAMES = ("person", "car", "dog")
SPEC = DatasetSpec(task=DETECTION, names=NAMES)
SIZE = (40, 20)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, "red").save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def coco(folder: Path, **changed: Any) -> dict[str, Any]:
    """Two images, with a car and a crowd of persons in the first."""
    for name in ("a.jpg", "b.jpg"):
        picture(folder / f"val2017/{name}")
    content = {
        "images": [{"id": 7, "file_name": "b.jpg"}, {"id": 3, "file_name": "a.jpg"}],
        "categories": [{"id": 90, "name": "person"}, {"id": 1, "name": "Car"}],
        "annotations": [
            {"id": 11, "image_id": 3, "category_id": 1, "bbox": [4, 2, 8, 6], "iscrowd": 0},
            {"id": 12, "image_id": 3, "category_id": 90, "bbox": [0, 0, 40, 20], "iscrowd": 1},
        ],
    } | changed
    text(folder / "annotations/instances_val2017.json", json.dumps(content))
    return content


def yolo(folder: Path, lines: str = "1 0.2 0.25 0.2 0.3\n0 0.5 0.5 1 1\n") -> None:
    for name in ("a", "b"):
        picture(folder / f"images/val/{name}.jpg")
    text(folder / "labels/val/a.txt", lines)


def voc(folder: Path, name: str = "car", left: str = "5") -> None:
    picture(folder / "JPEGImages/a.jpg")
    box = f"<bndbox><xmin>{left}</xmin><ymin>3</ymin><xmax>12</xmax><ymax>8</ymax></bndbox>"
    hard = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>40</xmax><ymax>20</ymax></bndbox><difficult>1</difficult>"
    things = f"<object><name>{name}</name>{box}</object><object><name>Person</name>{hard}</object>"
    text(folder / "Annotations/a.xml", f"<annotation>{things}</annotation>")


@pytest.mark.parametrize("make", [coco, yolo, voc])
def test_every_layout_tells_the_same_boxes(tmp_path: Path, make: Any) -> None:
    make(tmp_path)
    assert layout_name(tmp_path, SPEC) == make.__name__
    first = samples(tmp_path, spec=SPEC)[0]
    image, truth = read_truth(first, DETECTION, 3)
    assert first.name.endswith("a")
    assert image.size == truth.size == SIZE
    assert truth.boxes.round(9).tolist() == [[4, 2, 12, 8], [0, 0, 40, 20]]
    assert truth.ids.tolist() == [1, 0]
    assert truth.crowd.tolist() == [False, make is not yolo]  # YOLO's text cannot say it


@pytest.mark.parametrize("make", [coco, yolo])
def test_an_image_without_objects_is_an_image(tmp_path: Path, make: Any) -> None:
    make(tmp_path)
    second = samples(tmp_path, spec=SPEC)[1]
    assert read_truth(second, DETECTION, 3)[1].boxes.shape == (0, 4)


def test_categories_are_the_classes_in_the_order_of_their_ids_where_names_do_not_tell(tmp_path: Path) -> None:
    coco(tmp_path)
    for names in ((), ("auto", "pedestrian")):
        spec = DatasetSpec(task=DETECTION, names=names)
        assert read_truth(samples(tmp_path, spec=spec)[0], DETECTION, 2)[1].ids.tolist() == [0, 1]


def test_the_split_names_one_of_several_annotation_files(tmp_path: Path) -> None:
    content = coco(tmp_path)
    picture(tmp_path / "train2017/c.jpg")
    one = {**content, "images": [{"id": 3, "file_name": "c.jpg"}]}
    text(tmp_path / "annotations/instances_train2017.json", json.dumps(one))
    text(tmp_path / "annotations/captions_val2017.json", "{}")
    assert [sample.name for sample in samples(tmp_path, spec=SPEC)] == ["a", "b"]
    other = SPEC.model_copy(update={"split": "train"})
    assert [sample.name for sample in samples(tmp_path, spec=other)] == ["c"]
    with pytest.raises(StepError, match="no COCO annotation file for test"):
        samples(tmp_path, spec=SPEC.model_copy(update={"split": "test"}))


def test_roboflow_keeps_images_beside_the_annotations(tmp_path: Path) -> None:
    coco(tmp_path)
    (tmp_path / "val2017").rename(tmp_path / "valid")
    (tmp_path / "annotations/instances_val2017.json").rename(tmp_path / "valid/_annotations.coco.json")
    assert [sample.name for sample in samples(tmp_path, spec=SPEC)] == ["a", "b"]


def test_voc_lists_its_splits_in_files(tmp_path: Path) -> None:
    voc(tmp_path)
    picture(tmp_path / "JPEGImages/z.jpg")
    text(tmp_path / "ImageSets/Main/val.txt", "a\n")
    assert [sample.name for sample in samples(tmp_path, spec=SPEC.model_copy(update={"split": "val"}))] == ["a"]
    with pytest.raises(StepError, match=r"no Annotations/z\.xml"):
        samples(tmp_path, spec=SPEC)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1 0.2 0.25 0.2", "line 1 is '1 0.2 0.25 0.2'"),
        ("1 0.2 0.25 0.2 0.3 0.4 0.5", "line 1 is"),  # a polygon
        ("1 120 80 30 40", "line 1 is"),  # pixels
        ("car 0.2 0.25 0.2 0.3", "line 1 is"),
        ("1 nan 0.25 0.2 0.3", "line 1 is"),
        ("1 0.9 0.25 0.4 0.3", r"the box 28, 2, 44, 8 is not in the image of 40x20"),
        ("3 0.2 0.25 0.2 0.3", r"class id 3, but the 3 classes are 0\.\.2"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path: Path, line: str, why: str) -> None:
    yolo(tmp_path, line)
    with pytest.raises(StepError, match=why) as raised:
        read_truth(samples(tmp_path, spec=SPEC)[0], DETECTION, 3)
    assert str(raised.value).startswith("labels/val/a.txt, line 1")
    assert raised.value.remedy


def test_labels_that_are_not_there_at_all_are_missed(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "labels/val/a.txt").rename(tmp_path / "labels/val/a.xml")
    with pytest.raises(StepError, match=r"no image in .* has a \.txt file"):
        samples(tmp_path, spec=SPEC)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"annotations": []}, "is empty: it has 2 images and no annotation"),
        ({"images": []}, "is not a COCO file"),
        ({"categories": [{"id": 1}]}, "is not a COCO file: KeyError"),
        ({"images": [{"id": 3, "file_name": "x.jpg"}]}, r"x\.jpg, which is not there"),
        ({"images": [{"id": 3, "file_name": "a.jpg"}, {"id": 4, "file_name": "x.jpg"}]}, r"x\.jpg, which is not in"),
        ({"categories": [{"id": 1, "name": "van"}, {"id": 90, "name": "person"}]}, "of which none is van"),
    ],
)
def test_a_file_that_is_not_cocos_is_named(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    coco(tmp_path, **changed)
    with pytest.raises(StepError, match=why) as raised:
        samples(tmp_path, spec=SPEC)
    assert "instances_val2017.json" in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize("box", [[30, 2, 20, 6], [4, 2, -8, 6], [4, 2, 8]])
def test_a_box_that_is_none_is_named(tmp_path: Path, box: list[int]) -> None:
    coco(tmp_path, annotations=[{"id": 11, "image_id": 3, "category_id": 1, "bbox": box}])
    with pytest.raises(StepError, match=r"instances_val2017\.json, annotation 11"):
        read_truth(samples(tmp_path, spec=SPEC)[0], DETECTION, 3)


def test_a_box_without_an_area_is_left_out(tmp_path: Path) -> None:
    coco(tmp_path, annotations=[{"id": 11, "image_id": 3, "category_id": 1, "bbox": [4, 2, 0, 6]}])
    assert len(read_truth(samples(tmp_path, spec=SPEC)[0], DETECTION, 3)[1].ids) == 0


def test_a_box_that_is_half_a_pixel_too_wide_is_cut(tmp_path: Path) -> None:
    coco(tmp_path, annotations=[{"id": 11, "image_id": 3, "category_id": 1, "bbox": [4, 2, 36.5, 6]}])
    assert read_truth(samples(tmp_path, spec=SPEC)[0], DETECTION, 3)[1].boxes.tolist() == [[4, 2, 40, 8]]


@pytest.mark.parametrize(
    ("more", "why"),
    [({"name": "bicycle"}, "no class called bicycle; it has person, car, dog"), ({"left": "x"}, "not a VOC file")],
)
def test_an_annotation_that_is_not_vocs_is_named(tmp_path: Path, more: dict[str, str], why: str) -> None:
    voc(tmp_path, **more)
    with pytest.raises(StepError, match=why):
        read_truth(samples(tmp_path, spec=SPEC)[0], DETECTION, 3)
