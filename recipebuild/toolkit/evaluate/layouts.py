"""How datasets lie in folders.

    folders     images/**/a.jpg and labels/**/a.png                  class ids, 255 = ignore
    cityscapes  leftImg8bit/val/CITY/a_leftImg8bit.png and gtFine/val/CITY/a_gtFine_labelIds.png (or labelTrainIds)
    ade20k      images/validation/a.jpg and annotations/validation/a.png    0 = other, classes count from 1
    depth       images/**/a.jpg and depth/**/a.npy or a.png
    targets     images/**/a.jpg and targets/**/a.png                 what a network should make of the image
    classes     n01440764/**/a.jpg, or val/n01440764/**/a.jpg        see ``class_folders.py``
    coco        annotations/instances_val2017.json and the images    of objects, as the next two: ``box_folders.py``
    yolo        images/val/**/a.jpg and labels/val/**/a.txt
    voc         JPEGImages/a.jpg and Annotations/a.xml
    images      **/a.jpg                                             no labels: models are held against each other
    tensors     INPUT/a.npy for each input that is no image, or a.npz with all of them; images/**/a.jpg   no labels

A layout is a function that finds samples, and a line in ``LAYOUTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DETECTION, FEATURES, OTHER, SEGMENTATION
from recipebuild.toolkit.calibration.imagefile import ImageFile, shown
from recipebuild.toolkit.calibration.source import folder_images, read_file
from recipebuild.toolkit.calibration.tensor_files import TensorSpec, tensor_files
from recipebuild.toolkit.evaluate.box_folders import Listed, coco, voc, yolo
from recipebuild.toolkit.evaluate.boxes import BoxLabel
from recipebuild.toolkit.evaluate.class_folders import Rule, class_order

Name = Literal[
    "folders", "cityscapes", "ade20k", "depth", "targets", "classes", "coco", "yolo", "voc", "images", "tensors"
]
Encoding = Literal["ids", "cityscapes", "reduced"]

_OF_PIXELS: tuple[tuple[set[str], Name], ...] = (
    ({"leftImg8bit", "gtFine"}, "cityscapes"),
    ({"images", "annotations"}, "ade20k"),
    ({"images", "labels"}, "folders"),
    ({"images", "depth"}, "depth"),
    ({"images", "targets"}, "targets"),
)
_OF_OBJECTS: tuple[tuple[set[str], Name], ...] = (
    ({"images", "labels"}, "yolo"),
    ({"JPEGImages", "Annotations"}, "voc"),
    (set(), "coco"),
)
"""The folders that tell a layout, and its name."""

_SPLITS = ("validation", "val", "test", "train")
_NAMED = 3
_SAME_NAME = "an image and its label have the same name but for the suffix"

_NO_LABEL_FILE = (
    "labels are PNG files of one channel of class ids: JPEG changes ids, so make them anew from the annotations; an "
    "array is written with PIL.Image.fromarray(array.astype('uint8')).save('a.png')"
)
_NO_DEPTH_FILE = "depth is a .npy array of numbers [H, W], or a PNG of 16 bits with evaluate.depth_scale"


class DatasetSpec(BaseModel):
    """How a folder is to be read.

    Attributes:
        task: The recipe's ``model.task``.
        layout: How it is laid out; ``auto`` tells by the folders that are in it.
        split: Which part of it, where it has parts; ``None`` for validation, else what is there.
        reduce_labels: Whether 0 is `other` and the classes count from 1; ``None`` for what is usual for the layout.
        depth_scale: What one unit of depth is in PNG files.
        class_folders: Which class a folder is of; ``None`` to tell by their names.
        names: What the model calls its classes, by class id, for ``class_folders`` and objects.
        ignore: Besides 255, a class id of the labels that does not count.
        tensors: The inputs of the model that are no images.
        has_image: Whether it takes an image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = SEGMENTATION
    layout: Literal["auto"] | Name = "auto"
    split: str | None = None
    reduce_labels: bool | None = None
    depth_scale: float | None = Field(default=None, gt=0)
    class_folders: Rule | None = None
    names: tuple[str, ...] = ()
    ignore: int | None = None
    tensors: tuple[TensorSpec, ...] = ()
    has_image: bool = True


@dataclass(frozen=True)
class Sample:
    """What a model is fed at a time, and what is true of it.

    Attributes:
        name: What its files are called, without suffix.
        image: The image's file; ``None`` of a model without an image.
        label: The label's file, a class id, its objects, or ``None`` without labels.
        encoding: How the class ids in the label's file are to be read.
        ignore: Besides 255, a class id that does not count, as the model counts them.
        scale: What one unit of depth is in the label's file.
        folders: How many class folders there are, where their order decides the class.
        places: The folders of both files, for messages.
        tensors: The files of the inputs that are no images, by input.
    """

    name: str
    image: ImageFile | None
    label: ImageFile | int | BoxLabel | None = None
    encoding: Encoding = "ids"
    ignore: int | None = None
    scale: float | None = None
    folders: int | None = None
    places: tuple[str, str] = ("", "")
    tensors: Mapping[str, ImageFile] = field(default_factory=dict)

    @property
    def image_name(self) -> str:
        """What messages call the image."""
        return f"{self.places[0]}{shown(self.image.name)}" if self.image else self.name

    @property
    def label_name(self) -> str:
        """What messages call the label."""
        return f"{self.places[1]}{shown(self.label.name)}" if isinstance(self.label, ImageFile) else str(self.label)


@dataclass(frozen=True)
class DatasetLayout:
    """A way in which datasets lie in folders.

    Attributes:
        find: All samples of a folder, in no particular order.
        needs: What must be there, for messages.
        labelled: Whether it says what is true of its images.
    """

    find: Callable[[Path, DatasetSpec], list[Sample]]
    needs: str
    labelled: bool = True


def layout_of(folder: Path, spec: DatasetSpec) -> DatasetLayout:
    """The layout that ``spec`` names, or the one that the folder has.

    Raises:
        StepError: If it has none that is known.
    """
    return LAYOUTS[layout_name(folder, spec)]


def layout_name(folder: Path, spec: DatasetSpec) -> Name:
    """The name of the folder's layout.

    Raises:
        StepError: As ``layout_of``.
    """
    if spec.layout != "auto":
        return spec.layout
    if spec.tensors:
        return "tensors"
    if not folder.is_dir():
        raise StepError(f"the dataset {folder} is empty: there is no such folder")
    there = {path.name for path in folder.iterdir() if path.is_dir()}
    if spec.task in (FEATURES, OTHER):
        return "images"
    if spec.task == CLASSIFICATION:
        return "classes"
    for needed, name in _OF_OBJECTS if spec.task == DETECTION else _OF_PIXELS:
        if needed <= there:
            return name
    raise StepError(
        f"{folder} has an unknown layout",
        remedy="it needs images/ and, with PNGs of class ids, labels/; other ways, to be named in evaluate.layout, are "
        + ", ".join(get_args(Name)),
    )


def _pairs(folder: Path, images: str, labels: str, **more: object) -> list[Sample]:
    """Images and PNGs (or, of depth, arrays) of the same names in two folders."""
    pictures = _by_stem(folder / images, folder_images(folder / images))
    suffixes = (".png", ".npy") if labels == "depth" else (".png",)
    files = [ImageFile(name, partial(read_file, folder / labels / name, name)) for name in _names(folder / labels)]
    known = _by_stem(folder / labels, [file for file in files if file.name.lower().endswith(suffixes)])
    others = [file for file in files if file.name.rpartition(".")[0] in pictures.keys() - known.keys()]
    if others:
        one = others[0].name
        raise StepError(
            f"{labels}/{shown(one)} is no {' or '.join(suffixes)} file",
            remedy=_NO_DEPTH_FILE if labels == "depth" else _NO_LABEL_FILE,
        )
    what = "depth map" if labels == "depth" else "label"
    _check_partners(f"{images}/", pictures, f"{what} in {labels}/", known)
    _check_partners(f"{labels}/", known, f"image in {images}/", pictures)
    places = (f"{images}/", f"{labels}/")
    return [Sample(name, pictures[name], known[name], places=places, **more) for name in pictures]  # type: ignore[arg-type]


def _folders(folder: Path, spec: DatasetSpec) -> list[Sample]:
    encoding: Encoding = "reduced" if spec.reduce_labels else "ids"
    return _pairs(folder, "images", "labels", encoding=encoding, ignore=spec.ignore)


def _ade20k(folder: Path, spec: DatasetSpec) -> list[Sample]:
    split = _split(folder / "images", spec.split)
    encoding: Encoding = "ids" if spec.reduce_labels is False else "reduced"
    return _pairs(folder, f"images/{split}", f"annotations/{split}", encoding=encoding, ignore=spec.ignore)


def _depth(folder: Path, spec: DatasetSpec) -> list[Sample]:
    return _pairs(folder, "images", "depth", scale=spec.depth_scale)


def _targets(folder: Path, spec: DatasetSpec) -> list[Sample]:
    pictures, targets = (_by_stem(folder / part, folder_images(folder / part)) for part in ("images", "targets"))
    _check_partners("images/", pictures, "target in targets/", targets)
    _check_partners("targets/", targets, "image in images/", pictures)
    return [Sample(name, pictures[name], targets[name], places=("images/", "targets/")) for name in pictures]


def _cityscapes(folder: Path, spec: DatasetSpec) -> list[Sample]:
    split = _split(folder / "leftImg8bit", spec.split)
    places = (f"leftImg8bit/{split}/", f"gtFine/{split}/")
    pictures = {
        file.name.removesuffix("_leftImg8bit.png"): file
        for file in folder_images(folder / places[0])
        if file.name.endswith("_leftImg8bit.png")
    }
    known: dict[str, tuple[ImageFile, Encoding]] = {}
    kinds: tuple[tuple[str, Encoding], ...] = (("labelIds", "cityscapes"), ("labelTrainIds", "ids"))
    for kind, encoding in kinds:  # the second is what the first would be mapped to, and goes first where it is
        for file in folder_images(folder / places[1]):
            if file.name.endswith(ending := f"_gtFine_{kind}.png"):
                known[file.name.removesuffix(ending)] = file, encoding
    _check_partners(places[0], pictures, f"_gtFine_labelIds.png in {places[1]}", known)
    return [Sample(name, file, *known[name], places=places) for name, file in pictures.items()]


def _classes(folder: Path, spec: DatasetSpec) -> list[Sample]:
    classes = class_folders(folder, spec)
    split = _split(folder, spec.split, optional=True)
    root = folder / split
    order = class_order(classes, spec.names, spec.class_folders)
    files = _by_stem(root, [file for file in folder_images(root) if "/" in file.name])
    ordered = len(classes) if order.rule == "sorted" else None
    places = (f"{split}/" if split else "", "")
    return [
        Sample(name, file, order.ids.get(name.partition("/")[0]), folders=ordered, places=places)
        for name, file in files.items()
    ]


def class_folders(folder: Path, spec: DatasetSpec) -> list[str]:
    """The names of the class folders in a dataset, sorted as text.

    Raises:
        StepError: If there are none.
    """
    root = folder / _split(folder, spec.split, optional=True)
    classes = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise StepError(f"{root} has no folders", remedy=f"it needs {LAYOUTS['classes'].needs}")
    return classes


def _objects(listed: Listed) -> list[Sample]:
    return [Sample(*one) for one in listed]


def _images(folder: Path, spec: DatasetSpec) -> list[Sample]:
    root = folder / "images" if (folder / "images").is_dir() else folder
    return [Sample(name, file) for name, file in _by_stem(root, folder_images(root)).items()]


def _tensors(folder: Path, spec: DatasetSpec) -> list[Sample]:
    by_input = {}
    for tensor in spec.tensors:
        own = folder / tensor.name
        with tensor_files(own if own.is_dir() else folder) as files:
            by_input[tensor.name] = files
    images = {Path(sample.name).name: sample.image for sample in _images(folder, spec)} if spec.has_image else {}
    first, *_ = [images] if images else by_input.values()
    return [
        Sample(name, images.get(name), tensors={key: files[name] for key, files in by_input.items() if name in files})
        for name in first
    ]


LAYOUTS: dict[Name, DatasetLayout] = {
    "folders": DatasetLayout(_folders, "images/ and, with PNGs of class ids, labels/"),
    "cityscapes": DatasetLayout(
        _cityscapes, "leftImg8bit/SPLIT/CITY/ and gtFine/SPLIT/CITY/ with *_gtFine_labelIds.png"
    ),
    "ade20k": DatasetLayout(_ade20k, "images/SPLIT/ and annotations/SPLIT/"),
    "depth": DatasetLayout(_depth, "images/ and, with .npy or PNG files, depth/"),
    "targets": DatasetLayout(_targets, "images/ and, with images of the same names, targets/"),
    "classes": DatasetLayout(_classes, "a folder for each class, with images in it"),
    "coco": DatasetLayout(
        lambda folder, spec: _objects(coco(folder, spec.split, spec.names)),
        "annotations/NAME.json as COCO has it, and images",
    ),
    "yolo": DatasetLayout(
        lambda folder, spec: _objects(yolo(folder, _split(folder / "images", spec.split, optional=True))),
        "images/SPLIT/ and labels/SPLIT/ with a .txt for each image",
    ),
    "voc": DatasetLayout(
        lambda folder, spec: _objects(voc(folder, spec.split, spec.names)),
        "JPEGImages/ and Annotations/ with an .xml for each image",
    ),
    "images": DatasetLayout(_images, "images", labelled=False),
    "tensors": DatasetLayout(_tensors, "a folder for each input, with a .npy file for each sample", labelled=False),
}


def _split(folder: Path, wanted: str | None, *, optional: bool = False) -> str:
    """The folder of the split: the one that is wanted, else validation or what there is; empty if there are none."""
    there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    split = wanted or next((name for name in _SPLITS if name in there), "")
    if split not in there and not (optional and not split):
        lack = f"no split {wanted}" if wanted else f"none of the splits {', '.join(_SPLITS)}"
        raise StepError(f"{folder} has {lack}", remedy=f"it has {', '.join(there)}" if there else "it has no folders")
    return split


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in name.split("/")):
            yield name


def _by_stem(folder: Path, files: list[ImageFile]) -> dict[str, ImageFile]:
    by_stem: dict[str, ImageFile] = {}
    for file in sorted(files, key=lambda file: file.name):
        other = by_stem.setdefault(file.name.rpartition(".")[0], file)
        if other is not file:
            both = f"{shown(other.name)} and {shown(file.name)}"
            raise StepError(f"{both} in {folder} have the same name but for the suffix", remedy="rename or remove one")
    return by_stem


def _check_partners(folder: str, files: Mapping[str, ImageFile], partner: str, partners: Collection[str]) -> None:
    alone = [f"{folder}{shown(file.name)}" for stem, file in files.items() if stem not in partners]
    if alone:
        more = f" and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
        raise StepError(f"no {partner} for {', '.join(alone[:_NAMED])}{more}", remedy=_SAME_NAME)
