"""preview: input, ground truth and predictions, as a picture.

Inputs: model (ONNX), config (the model's config.json, optional); calibration (tar). With a labelled dataset: dataset
(folder), weights (folder in HF layout, optional), and what the models gave for it: float, quantized (tars of the step
answers; of what Pulsar2 compiled, of a simulation). Without one: compiled (ONNX, optional), which runs as model does.
Outputs: preview.png, with columns input | float | quantized | ground truth; the same pictures one by one in
panels/<row>/, with the pixels in which float and quantized differ, and panels/classes.json: names and colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.facts.tasks import SEGMENTATION
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.classes import class_count
from recipebuild.toolkit.evaluate.dataset import IGNORE, DatasetSpec, read, samples
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.evaluate.layouts import layout_name
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.evaluate.preview import Row, draw, most_varied, pictures
from recipebuild.toolkit.evaluate.runners import open_model
from recipebuild.toolkit.evaluate.segmentation import class_ids, segment
from recipebuild.toolkit.evaluate.shown import ROWS, calibration_images, columns, write_classes

if TYPE_CHECKING:
    from recipebuild.toolkit.evaluate.palette import Label

_COLUMNS = ("float", "quantized")


class Params(BaseModel):
    """What to draw.

    Attributes:
        input: The recipe's input.
        dataset: How the dataset is laid out.
        count: How many images of the dataset are evaluated; ``None`` for all.
        seed: Which of them, and which are drawn where labels do not decide it.
        labels: What the classes are called; ``None`` as the model or the dataset tells.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    labels: list[str] | None = None
    device: str = CPU


@on_device
def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Draw what the models give for a few images.

    Raises:
        StepError: If an image or a label cannot be used, or there are other classes than labels.
    """
    rows = _labelled(inputs, params) if "dataset" in inputs else _unlabelled(inputs, params, progress)
    cityscapes = "dataset" in inputs and layout_name(inputs["dataset"], params.dataset) == "cityscapes"
    classes = class_count(inputs["model"]) or IGNORE
    names = class_names(classes, labels=params.labels, config=inputs.get("config"), cityscapes=cityscapes)
    labels = palette(names)
    picture = draw(rows, labels)
    picture.save(out / "preview.png")
    for number, row in enumerate(rows):
        _save(row, labels, out / "panels" / str(number))
    write_classes(labels, out / "panels/classes.json")
    return {"images": len(rows), "size": f"{picture.width}x{picture.height}"}


def _save(row: Row, labels: Sequence[Label], folder: Path) -> None:
    """Write a row's pictures, each for itself: what shows the photograph as JPEG, masks as PNG with a palette."""
    from PIL import Image

    folder.mkdir(parents=True)
    for title, picture in pictures(row, labels).items():
        name = title.replace(" ", "-")
        if title in ("input", "difference"):
            picture.save(folder / f"{name}.jpg", quality=85, subsampling=0)
        else:
            picture.quantize(dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


def _labelled(inputs: Mapping[str, Path], params: Params) -> list[Row]:
    """Of the images that are evaluated those with most classes: what the models gave, and their ground truth."""
    dataset, classes, rows = inputs["dataset"], class_count(inputs["model"]) or IGNORE, []
    recorded = columns(inputs, params.input, SEGMENTATION)
    spec, _ = as_trained(params.dataset, dataset, inputs.get("weights"))
    for one in most_varied(samples(dataset, params.count, params.seed, spec), ROWS, classes, params.seed):
        image, label = read(one, classes)
        masks = {title: class_ids(run(image, one.name), title) for title, run in recorded.items()}
        rows.append(Row(image, {**masks, "ground truth": label}))
    return rows


def _unlabelled(inputs: Mapping[str, Path], params: Params, progress: Progress) -> list[Row]:
    """A few images of the calibration set, and what the models give for them."""
    names = zip(_COLUMNS, ("model", "compiled"), strict=True)
    models = {title: open_model(inputs[name]) for title, name in names if name in inputs}
    rows = []
    chosen = calibration_images(inputs["calibration"], params.seed)
    for done, (_, image) in enumerate(chosen, 1):
        rows.append(Row(image, {title: segment(model, image, params.input) for title, model in models.items()}))
        progress(done / (len(chosen) + 1), f"image {done} of {len(chosen)}")
    return rows
