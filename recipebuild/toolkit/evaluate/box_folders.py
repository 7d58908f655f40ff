"""How datasets of object detection lie in folders: COCO, YOLO, VOC.

Use: ``for name, file, label in yolo(folder, "val"): truth = label.truth(size, classes)``. How labels are written:

    coco   https://cocodataset.org/#format-data: one JSON file; x, y, width, height in pixels
    yolo   https://docs.ultralytics.com/datasets/detect/: a .txt an image; class cx cy w h, in fractions of the image
    voc    M. Everingham et al., "The PASCAL VOC Challenge", IJCV 88, 2010: an .xml an image; pixels count from 1
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.imagefile import ImageFile, shown
from recipebuild.toolkit.calibration.source import folder_images, read_file
from recipebuild.toolkit.evaluate.boxes import BoxLabel, LabelledBox, class_ids, known_class

Listed = list[tuple[str, ImageFile, BoxLabel]]

_SPLITS = ("validation", "valid", "val", "test", "train")
_OTHER_TASKS = ("captions_", "person_keypoints_", "panoptic_", "stuff_", "image_info_")
_YOLO_LINE = "a line is: class cx cy width height, the last four as fractions 0..1 of the image"


def coco(folder: Path, split: str | None, names: Sequence[str]) -> Listed:
    """The images of one annotation file; ``names`` are the model's classes, empty where they are not known.

    Raises:
        StepError: If there is no such file, or not one alone; if it is empty or not COCO's; if an image is missing.
    """
    path = _annotations(folder, split)
    name = path.relative_to(folder).as_posix()
    try:
        content = json.loads(path.read_bytes())
        images = {image["id"]: image for image in content["images"]}
        categories = {category["id"]: str(category["name"]) for category in content["categories"]}
        rows: dict[Any, list[dict[str, Any]]] = {image: [] for image in images}
        for row in content["annotations"]:
            rows[row["image_id"]].append(row)
    except (ValueError, KeyError, TypeError) as error:
        raise StepError(
            f"{name} is not a COCO file: {error!r}",
            remedy="it is a JSON object with images, annotations and categories (instances_val2017.json)",
        ) from error
    if not images or not any(rows.values()):
        raise StepError(f"{name} is empty: it has {len(images)} images and no annotation", remedy="label some images")
    ids = _categories(categories, {row["category_id"] for some in rows.values() for row in some}, names, name)
    root = _image_root(folder, path, next(iter(images.values()))["file_name"])
    listed = []
    for key, image in images.items():
        file = str(image["file_name"])
        if not (root / file).is_file():
            raise StepError(
                f"{name} names {shown(file)}, which is not in {root}", remedy="put the images there, or take it out"
            )
        label = BoxLabel(name, partial(_coco_boxes, rows[key], ids, name))
        listed.append((file.rpartition(".")[0], ImageFile(file, partial(read_file, root / file, file)), label))
    return listed


def _annotations(folder: Path, split: str | None) -> Path:
    files = [*folder.glob("annotations/*.json"), *folder.glob("*.json"), *folder.glob("*/_annotations.coco.json")]
    files = sorted(path for path in files if not path.name.startswith(_OTHER_TASKS))
    chosen = files
    if split is not None or len(files) > 1:
        wanted = (split,) if split is not None else _SPLITS
        named = ([path for path in files if word in path.relative_to(folder).as_posix()] for word in wanted)
        chosen = next((some for some in named if some), files if split is None else [])
    if len(chosen) != 1:
        there = ", ".join(path.relative_to(folder).as_posix() for path in files)
        raise StepError(
            f"{folder} has {'no' if not chosen else 'several'} COCO annotation file{'s' if chosen else ''}"
            + (f" for {split}" if split else ""),
            remedy=f"name one by evaluate.split, a part of its name: there are {there}"
            if there
            else "it needs annotations/NAME.json with images, annotations and categories",
        )
    return chosen[0]


def _image_root(folder: Path, annotations: Path, first: str) -> Path:
    """The folder that the names in an annotation file are relative to."""
    part = annotations.stem.removeprefix("instances_")
    roots = [annotations.parent, folder / "images" / part, folder / "images", folder / part, folder]
    root = next((root for root in roots if (root / first).is_file()), None)
    if root is None:
        raise StepError(
            f"{annotations.name} names {shown(first)}, which is not there",
            remedy=f"put its images into {roots[2].relative_to(folder.parent)}/",
        )
    return root


def _categories(categories: dict[Any, str], used: set[Any], names: Sequence[str], file: str) -> dict[Any, int]:
    """Class ids by the ids of categories."""
    ids = class_ids(names)
    normal = {key: " ".join(name.split()).casefold() for key, name in categories.items()}
    if ids and all(normal.get(key) in ids for key in used):
        return {key: ids[normal[key]] for key in used}
    if names and len(categories) != len(names):
        strange = next((categories[key] for key in sorted(used & categories.keys()) if normal[key] not in ids), "?")
        raise StepError(
            f"{file} has {len(categories)} categories, and the model {len(names)} classes, of which none is {strange}",
            remedy="set evaluate.labels to the names in the file, in the order of the model's ids",
        )
    return {key: at for at, key in enumerate(sorted(categories))}


def _coco_boxes(
    rows: Sequence[dict[str, Any]], ids: dict[Any, int], file: str, width: int, height: int
) -> Iterator[LabelledBox]:
    for row in rows:
        where = f"annotation {row.get('id', '?')}"
        try:
            left, top, wide, high = (float(side) for side in row["bbox"])
            class_id = ids[row["category_id"]]
        except (KeyError, TypeError, ValueError) as error:
            raise StepError(
                f"{file}, {where}: no bbox of four numbers and category of the file", remedy="fix it, or remove it"
            ) from error
        yield LabelledBox(where, class_id, (left, top, left + wide, top + high), bool(row.get("iscrowd", 0)))


def yolo(folder: Path, split: str) -> Listed:
    """The images in ``images/SPLIT``; one without a file in ``labels/SPLIT`` has no objects, as Ultralytics has it.

    Raises:
        StepError: If there is no label at all.
    """
    images, labels = folder / "images" / split, folder / "labels" / split
    listed: Listed = []
    known = 0
    for file in folder_images(images):
        stem = file.name.rpartition(".")[0]
        path, name = labels / f"{stem}.txt", f"labels/{split}{'/' if split else ''}{shown(stem)}.txt"
        known += path.is_file()
        listed.append((stem, file, BoxLabel(name, partial(_yolo_boxes, path, name))))
    if listed and not known:
        raise StepError(
            f"no image in {images} has a .txt file of its name in {labels}", remedy=f"{_YOLO_LINE}; see evaluate.layout"
        )
    return listed


def _yolo_boxes(path: Path, name: str, width: int, height: int) -> Iterator[LabelledBox]:
    lines = read_file(path, name).decode("utf-8", "replace").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            class_id, *sides = (float(word) for word in line.split())
            cx, cy, wide, high = sides
            right = class_id == int(class_id) and all(0 <= side <= 1 + 1e-3 for side in sides)
        except (ValueError, OverflowError):
            right = False
        if not right:
            raise StepError(f"{name}, {where} is {shown(line.strip()[:60])!r}", remedy=_YOLO_LINE)
        corners = (cx - wide / 2) * width, (cy - high / 2) * height, (cx + wide / 2) * width, (cy + high / 2) * height
        yield LabelledBox(where, int(class_id), corners)


def voc(folder: Path, split: str | None, names: Sequence[str]) -> Listed:
    """The images in ``JPEGImages``, or those of ``ImageSets/Main/SPLIT.txt``, with ``Annotations``.

    Raises:
        StepError: If an image has no annotation, or the split is not there.
    """
    files = {file.name.rpartition(".")[0]: file for file in folder_images(folder / "JPEGImages")}
    chosen = sorted(files)
    if split is not None:
        path = folder / "ImageSets/Main" / f"{split}.txt"
        if not path.is_file():
            raise StepError(f"there is no {path}", remedy="see evaluate.split: it is a file in ImageSets/Main")
        chosen = path.read_text(encoding="utf-8").split()
    listed = []
    for stem in chosen:
        path, name = folder / "Annotations" / f"{stem}.xml", f"Annotations/{shown(stem)}.xml"
        if stem not in files or not path.is_file():
            lack = name if stem in files else f"JPEGImages/{shown(stem)}.jpg"
            raise StepError(f"there is no {lack}", remedy="an image and its annotation have the same name")
        listed.append((stem, files[stem], BoxLabel(name, partial(_voc_boxes, path, name, class_ids(names)))))
    return listed


def _voc_boxes(path: Path, name: str, ids: dict[str, int], width: int, height: int) -> Iterator[LabelledBox]:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(read_file(path, name))  # noqa: S314 - expat 2.4.1 and later bounds entities
        for number, thing in enumerate(root.iter("object"), 1):
            where = f"object {number}"
            left, top, right, bottom = (
                float(thing.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")
            )
            class_id = known_class(thing.findtext("name", ""), ids, f"{name}, {where}")
            hard = thing.findtext("difficult", "0").strip() == "1"
            yield LabelledBox(where, class_id, (left - 1, top - 1, right, bottom), hard)
    except (ElementTree.ParseError, ValueError) as error:
        raise StepError(
            f"{name} is not a VOC file: {error}", remedy="an <object> has <name> and <bndbox> with four numbers"
        ) from error
