"""A dataset of the library ``datasets`` -> a folder in one of our layouts, with as many images as are wanted.

Use: ``prepare(open_split(source, revision, split), task, None, count, seed, out)``.

Images are stored as they are in the dataset, byte for byte where it has files. What becomes of the labels:

    semantic-segmentation     images/*.jpg, labels/*.png      an image column of class ids
    image-classification      <class id>/*.jpg                a column of class ids
    depth-estimation          images/*.jpg, depth/*.npy|png   an image column of depth
    image-to-image            images/*.jpg, targets/*.png     an image column of targets
    image-feature-extraction  images/*.jpg
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import MissingError, StepError, UnreachableError, reason
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, FEATURES, RESTORATION, SEGMENTATION

if TYPE_CHECKING:
    from datasets import Dataset

_SPLITS = ("validation", "val", "test", "train")
_IMAGES = ("image", "pixel_values", "img", "images")
_LABELS = {
    SEGMENTATION: ("label", "annotation", "mask", "segmentation_mask", "labels", "semantic_segmentation"),
    CLASSIFICATION: ("label", "labels", "fine_label"),
    DEPTH: ("depth_map", "depth", "label"),
    RESTORATION: ("target", "hr", "label"),
}
_FOLDERS = {DEPTH: "depth", RESTORATION: "targets"}
_FORMATS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "WEBP": "webp"}


def open_split(source: Path | str, revision: str | None, split: str | None) -> Dataset:
    """One split of a dataset: of the hub, or of a folder that ``save_to_disk`` made or that ``load_dataset`` takes.

    Args:
        source: The hub's id, or a folder.
        revision: Of the hub's dataset.
        split: Its name; ``None`` for validation, else test, else train.

    Raises:
        MissingError: If the library is not installed, or there is no such dataset.
        UnreachableError: If the hub does not answer.
        StepError: If the dataset cannot be read, or has no such split.
    """
    try:
        import datasets
    except ImportError:
        raise MissingError(
            "the library `datasets` is not installed",
            field="evaluate.dataset",
            remedy="pip install '.[datasets]' in a checkout",
        ) from None
    datasets.disable_progress_bars()
    try:
        loaded = _load(datasets, source, revision)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise MissingError(
            reason(error), field="evaluate.dataset", remedy="check its name, revision and access"
        ) from error
    except ConnectionError as error:
        raise UnreachableError(f"the hub does not answer: {reason(error)}", field="evaluate.dataset") from error
    except Exception as error:  # what the library makes of a strange folder
        raise StepError(f"`datasets` cannot read {source}: {reason(error)}", field="evaluate.dataset") from error
    if not isinstance(loaded, dict):
        return loaded
    name = split or next((name for name in _SPLITS if name in loaded), None)
    if name not in loaded:
        raise StepError(
            f"{source} has no {name or 'split'}", field="evaluate.split", remedy=f"it has {', '.join(loaded)}"
        )
    return loaded[name]


def _load(datasets: Any, source: Path | str, revision: str | None) -> Any:
    if isinstance(source, Path):
        saved = any((source / name).is_file() for name in ("dataset_dict.json", "dataset_info.json"))
        if saved and not any(source.glob("*.parquet")):
            return datasets.load_from_disk(str(source))
        return datasets.load_dataset(str(source))
    return datasets.load_dataset(source, revision=revision)


def prepare(
    data: Dataset, task: str, columns: Sequence[str] | None, count: int | None, seed: int, out: Path,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> int:  # fmt: skip
    """Write the samples of a split, or ``count`` of them drawn with ``seed``, to ``out``; give how many there are.

    Args:
        data: The split.
        task: The recipe's ``model.task``.
        columns: Those of images and labels; ``None`` to find them by type and name.
        count: How many; ``None`` for all.
        seed: Which ones.
        out: A folder that is not there yet.
        on_image: Told how many are done, of how many.

    Raises:
        StepError: If the columns are not there or have another type, or a sample has no image.
    """
    from datasets import Image

    image, label = _columns(data, task, columns)
    for column in (image, label):
        if column is not None and isinstance(data.features[column], Image):
            data = data.cast_column(column, Image(decode=False))
    chosen: Sequence[int] = range(len(data))
    if count is not None and count < len(data):
        chosen = sorted(random.Random(seed).sample(chosen, count))  # noqa: S311 - a draw that can be repeated
    digits = len(str(max(len(data) - 1, 0)))
    for done, index in enumerate(chosen, 1):
        row = data[index]
        name = f"{index:0{digits}d}"
        place = f"{int(row[label])}/" if task == CLASSIFICATION and label else "images/"
        _write(out / f"{place}{name}", _bytes(row[image], f"{image} {index}"))
        if label is not None and task != CLASSIFICATION:
            _write_label(out, _FOLDERS.get(task, "labels"), name, row[label])
        on_image(done, len(chosen))
    if not chosen:
        raise StepError("the dataset is empty", remedy="see evaluate.split")
    return len(chosen)


def _columns(data: Dataset, task: str, columns: Sequence[str] | None) -> tuple[str, str | None]:
    there = list(data.features)
    if columns is not None:
        absent = [name for name in columns if name not in there]
        if absent:
            raise StepError(
                f"there is no {absent[0]}", field="evaluate.columns", remedy=f"there are {', '.join(there)}"
            )
        return columns[0], None if task == FEATURES else columns[1]
    image = next((name for name in _IMAGES if name in there), None)
    label = next((name for name in _LABELS.get(task, ()) if name in there), None)
    if image is None or (label is None and task != FEATURES):
        raise StepError(
            f"the columns of images and labels are ambiguous: there are {', '.join(there)}",
            field="evaluate.dataset",
            remedy="name them: evaluate.columns: [image, label]",
        )
    return image, label


def _bytes(cell: Any, what: str) -> bytes:
    """The file in a cell of images."""
    if isinstance(cell, dict) and cell.get("bytes"):
        return bytes(cell["bytes"])
    if isinstance(cell, dict) and cell.get("path"):
        return Path(cell["path"]).read_bytes()
    raise StepError(f"{what} has no image", field="evaluate.dataset", remedy="see evaluate.columns")


def _write(stem: Path, data: bytes) -> None:
    """Write an image under the suffix of what it is, as PNG if it is none of ours."""
    import PIL.Image

    stem.parent.mkdir(parents=True, exist_ok=True)
    image = PIL.Image.open(io.BytesIO(data))
    if image.format in _FORMATS:
        stem.with_name(f"{stem.name}.{_FORMATS[image.format]}").write_bytes(data)
    else:
        image.save(stem.with_name(f"{stem.name}.png"))


def _write_label(out: Path, folder: str, name: str, cell: Any) -> None:
    """A label map as PNG; depth that is no PNG as an array."""
    import numpy as np
    import PIL.Image

    (out / folder).mkdir(exist_ok=True)
    if not isinstance(cell, dict):
        np.save(out / folder / f"{name}.npy", np.asarray(cell, np.float32))
        return
    data = _bytes(cell, f"label {name}")
    image = PIL.Image.open(io.BytesIO(data))
    if image.format == "PNG":
        (out / folder / f"{name}.png").write_bytes(data)
    elif folder == "depth":
        np.save(out / folder / f"{name}.npy", np.asarray(image, np.float32))
    else:
        image.save(out / folder / f"{name}.png")
