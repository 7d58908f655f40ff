"""A folder of images with what is true of them -> a fixed draw of samples, each read when it is asked for.

Use: ``for sample in samples(folder, 100, seed=0, spec=spec): image, truth = read_truth(sample, spec.task, 19)``.

How folders are laid out is in ``layouts.py``. What is true of an image is a label map for semantic-segmentation (uint8
``[H, W]``, ``IGNORE`` where pixels do not count), a class id for image-classification, depth for depth-estimation
(float32 ``[H, W]``, 0 where it is unknown), a ``Truth`` for object-detection, and a ``Target`` for image-to-image.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, DETECTION, RESTORATION
from recipebuild.toolkit.calibration.decode import decode
from recipebuild.toolkit.calibration.imagefile import ImageFile, shown
from recipebuild.toolkit.calibration.preprocess import to_rgb
from recipebuild.toolkit.calibration.survey import is_turned
from recipebuild.toolkit.evaluate.boxes import BoxLabel
from recipebuild.toolkit.evaluate.layouts import DatasetSpec, Sample, layout_of
from recipebuild.toolkit.evaluate.pixels import Target
from recipebuild.toolkit.evaluate.trainids import CITYSCAPES_IDS, IGNORE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

__all__ = ["IGNORE", "DatasetSpec", "Sample", "read", "read_depth", "read_image", "read_label", "read_truth", "samples"]

_UNSPECIFIED = DatasetSpec()


def samples(folder: Path, count: int | None = None, seed: int = 0, spec: DatasetSpec = _UNSPECIFIED) -> list[Sample]:
    """The samples in ``folder``, or ``count`` of them drawn with ``seed``, sorted by name.

    Raises:
        StepError: If there is none, if an image has no label or a label no image, if two images have one name, or if
            the folder is not laid out as ``spec`` says.
    """
    layout = layout_of(folder, spec)
    by_name = {sample.name: sample for sample in layout.find(folder, spec)}
    if not by_name:
        raise StepError(f"the dataset {folder} is empty", remedy=f"it needs {layout.needs}")
    names = sorted(by_name)
    if count is not None and count < len(names):
        names = sorted(random.Random(seed).sample(names, count))  # noqa: S311 - a draw that can be repeated, not a secret
    return [by_name[name] for name in names]


def read_image(sample: Sample) -> Image.Image:
    """The decoded image.

    Raises:
        StepError: If it cannot be decoded.
    """
    assert sample.image is not None, "only models of images ask for one"  # noqa: S101
    return decode(sample.image.read(), sample.image_name)


def read_truth(sample: Sample, task: str, classes: int) -> tuple[Image.Image, Any]:
    """The decoded image, and what is true of it.

    Raises:
        StepError: As ``read`` does, and for a class that the model does not have.
    """
    if task == CLASSIFICATION:
        return read_image(sample), _class_id(sample, classes)
    if task == DETECTION:
        image = read_image(sample)
        return image, _objects(sample).truth(image.size, classes)
    if task == DEPTH:
        image = read_image(sample)
        return image, _of_its_size(read_depth(sample), image, sample)
    if task == RESTORATION:
        image = read_image(sample)
        return image, _target(sample, image)
    return read(sample, classes)


def read(sample: Sample, classes: int) -> tuple[Image.Image, npt.NDArray[np.uint8]]:
    """The decoded image, and its label: uint8 ``[H, W]`` of the image's size, values below ``classes`` or ``IGNORE``.

    Raises:
        StepError: If either cannot be decoded, if the sizes differ, or if the label has an id out of range.
    """
    image = read_image(sample)
    return image, _of_its_size(read_label(sample, classes), image, sample)


def read_label(sample: Sample, classes: int) -> npt.NDArray[np.uint8]:
    """The label of ``sample`` alone: uint8 ``[H, W]``, values below ``classes`` or ``IGNORE``.

    Raises:
        StepError: If it cannot be decoded, is no PNG with one channel, or has an id out of range.
    """
    import numpy as np

    file, name = _label_file(sample), sample.label_name
    data = file.read()
    image = decode(data, name)
    if image.format != "PNG" or image.mode not in ("L", "P", "1", "I;16"):
        raise StepError(
            f"{name} is a {image.format} image of mode {image.mode}",
            remedy="a label is a PNG with one channel of class ids (not one of colours)",
        )
    ids = np.asarray(image)
    if image.mode == "L":
        depth = data[24]  # of the PNG header; PIL stretches the values of 2 and 4 bits to 0..255
        ids = ids // (255 // (2 ** min(depth, 8) - 1))
    ids = _as_trained(ids, sample)
    present = np.unique(ids)
    wrong = present[(present >= classes) & (present != IGNORE)]
    if wrong.size:
        raise StepError(
            f"{name} has class id {wrong[0]}, but the {classes} classes are 0..{classes - 1} (and {IGNORE} to ignore)",
            remedy="give the labels the model's own class ids (for Cityscapes, trainIds); where 0 stands for `other` "
            "and classes count from 1, say evaluate.reduce_labels: true",
        )
    return ids.astype(np.uint8)


def read_depth(sample: Sample) -> npt.NDArray[np.float32]:
    """The depth of ``sample``: float32 ``[H, W]`` in the truth's unit, 0 where it is unknown.

    Raises:
        StepError: If it cannot be read, is no image of one channel, or has no pixel whose depth is known.
    """
    import numpy as np

    file, name = _label_file(sample), sample.label_name
    if file.name.endswith(".npy"):
        try:
            depth = np.load(io.BytesIO(file.read()), allow_pickle=False).squeeze()
        except ValueError as error:
            raise StepError(f"{name}: {error}", remedy="a depth map is an array of numbers [H, W]") from error
    else:
        image = decode(file.read(), name)
        if image.mode not in ("L", "I;16", "I;16B", "I", "F"):
            raise StepError(f"{name} is an image of mode {image.mode}", remedy="a depth map has one channel")
        if sample.scale is None:
            raise StepError(
                f"{name} holds whole numbers in an unknown unit",
                remedy="set evaluate.depth_scale to the value of 1 metre (KITTI: 256, NYU: 1000), or use .npy files",
            )
        depth = np.asarray(image) / sample.scale
    if depth.ndim != 2 or depth.dtype.kind not in "fiu":
        raise StepError(f"{name} is {depth.dtype} {list(depth.shape)}", remedy="a depth map is numbers [H, W]")
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)
    if not depth.any():
        raise StepError(f"{name} has no pixel whose depth is known: none is above 0", remedy="leave the image out")
    return depth


def _as_trained(ids: npt.NDArray[Any], sample: Sample) -> npt.NDArray[Any]:
    """Stored class ids as the model counts them."""
    import numpy as np

    if sample.encoding == "cityscapes":
        table = np.full(65536, IGNORE)
        table[list(CITYSCAPES_IDS)] = list(CITYSCAPES_IDS.values())
        return np.asarray(table[ids])
    if sample.encoding == "reduced":  # as transformers' do_reduce_labels: 0 is `other`, 1 the first class
        ids = np.where((ids == 0) | (ids == IGNORE), IGNORE, ids.astype(np.int64) - 1)
    return ids if sample.ignore is None else np.where(ids == sample.ignore, IGNORE, ids)


def _class_id(sample: Sample, classes: int) -> int:
    label = sample.label
    if not isinstance(label, int):
        raise StepError(f"{sample.image_name} has no class", remedy="set evaluate.layout, or see docs/accuracy.md")
    if sample.folders not in (None, classes):
        raise StepError(
            f"the dataset has {sample.folders} class folders, and the model {classes} classes",
            remedy="sorted by name they must be the model's classes; or name the folders by class ids: 0, 1, ...",
        )
    if label >= classes:
        raise StepError(
            f"{sample.image_name} has class id {label}, but the {classes} classes are 0..{classes - 1}",
            remedy="name the folders by the model's own class ids",
        )
    return label


def _objects(sample: Sample) -> BoxLabel:
    if not isinstance(sample.label, BoxLabel):
        raise StepError(f"{sample.image_name} has no objects", remedy="set evaluate.layout, or see docs/accuracy.md")
    return sample.label


def _target(sample: Sample, image: Image.Image) -> Target:
    import numpy as np

    target = decode(_label_file(sample).read(), sample.label_name)
    factor = target.width // image.width
    if factor < 1 or target.size != (factor * image.width, factor * image.height):
        raise StepError(
            f"{sample.label_name} is {target.width}x{target.height}, and its image {image.width}x{image.height}",
            remedy="a target has the size of its image, or an integer multiple of it",
        )
    return Target(np.asarray(to_rgb(target)), factor)


def _label_file(sample: Sample) -> ImageFile:
    if not isinstance(sample.label, ImageFile):
        raise StepError(f"{sample.image_name} has no label map", remedy="set evaluate.layout, or see docs/accuracy.md")
    return sample.label


def _of_its_size(label: npt.NDArray[Any], image: Image.Image, sample: Sample) -> npt.NDArray[Any]:
    if label.shape != (image.height, image.width):
        sizes = f"{label.shape[1]}x{label.shape[0]}, but its image is {image.width}x{image.height}"
        turned = ", which EXIF marks as rotated" if is_turned(image) else ""
        raise StepError(
            f"{shown(sample.label_name)} is {sizes}{turned}",
            remedy="EXIF is not applied: store the image upright"
            if turned
            else "a label has as many pixels as its image",
        )
    return label
