"""preview: what the models see, as a picture.

Inputs: model (ONNX), config (the model's config.json), quantized (ONNX), or predictions (tar: what a simulation of the
compiled model gave), weights (folder in HF layout), dataset (folder with images/ and labels/), calibration (tar); all
but model and calibration are optional.
Outputs: preview.png, with columns input | float | quantized | ground truth; the same pictures one by one in
panels/<row>/, with the pixels in which float and quantized differ, and panels/classes.json: names and colours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.step import Progress
from recipebuild.facts.tasks import SEGMENTATION
from recipebuild.toolkit.calibration.archive import sample
from recipebuild.toolkit.calibration.decode import decode
from recipebuild.toolkit.calibration.preprocess import ImageSpec
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.classes import class_count
from recipebuild.toolkit.evaluate.dataset import IGNORE, DatasetSpec, read, samples
from recipebuild.toolkit.evaluate.layouts import layout_name
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.evaluate.preview import Row, draw, most_varied, pictures
from recipebuild.toolkit.evaluate.runners import open_model, recorded_runner
from recipebuild.toolkit.evaluate.segmentation import segment

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    from recipebuild.toolkit.evaluate.palette import Label
    from recipebuild.toolkit.evaluate.runners import Run

    Masks = dict[str, npt.NDArray[Any]]
    Picture = tuple[Image.Image, Masks, Masks]

_ROWS = 3
_MODELS = {"float": "model", "quantized": "quantized"}
"""The input that each column comes from."""


class Params(BaseModel):
    """What to draw.

    Attributes:
        input: The recipe's input.
        dataset: How the dataset is laid out.
        count: How many images of the dataset are evaluated; ``None`` for all.
        seed: Which of them, and which are drawn where labels do not decide it.
        labels: What the classes are called; ``None`` as the model or the dataset tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    labels: list[str] | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Run the models on a few images and draw what they give.

    Raises:
        StepError: If an image or a label cannot be used, or there are other classes than labels.
    """
    models = {title: open_model(inputs[name]) for title, name in _MODELS.items() if name in inputs}
    classes = class_count(inputs["model"]) or IGNORE
    cityscapes = "dataset" in inputs and layout_name(inputs["dataset"], params.dataset) == "cityscapes"
    names = class_names(classes, labels=params.labels, config=inputs.get("config"), cityscapes=cityscapes)
    recorded = recorded_runner(inputs["predictions"], SEGMENTATION) if "predictions" in inputs else None
    chosen = (
        _labelled(inputs["dataset"], inputs.get("weights"), classes, params, recorded)
        if "dataset" in inputs
        else _unlabelled(inputs["calibration"], params.seed)
    )
    rows = []
    for done, (image, predicted, truth) in enumerate(chosen, 1):
        masks = {title: segment(model, image, params.input) for title, model in models.items()}
        rows.append(Row(image, {**masks, **predicted, **truth}))
        progress(done / (len(chosen) + 1), f"image {done} of {len(chosen)}")
    labels = palette(names)
    picture = draw(rows, labels)
    picture.save(out / "preview.png")
    for number, row in enumerate(rows):
        _save(row, labels, out / "panels" / str(number))
    colors = [{"name": label.name, "color": "#" + bytes(label.color).hex()} for label in labels]
    (out / "panels/classes.json").write_text(json.dumps(colors, indent=1) + "\n", encoding="utf-8")
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


def _labelled(dataset: Path, model: Path | None, classes: int, params: Params, recorded: Run | None) -> list[Picture]:
    """Of the images that are evaluated those with most classes, what was predicted, and their ground truth."""
    labelled = []
    spec, _ = as_trained(params.dataset, dataset, model)
    for one in most_varied(samples(dataset, params.count, params.seed, spec), _ROWS, classes, params.seed):
        image, label = read(one, classes)
        ids = recorded(image, one.name).ids if recorded else None
        labelled.append((image, {} if ids is None else {"quantized": ids}, {"ground truth": label}))
    return labelled


def _unlabelled(calibration: Path, seed: int) -> list[Picture]:
    """A few images of the calibration set."""
    with images(calibration) as files:
        return [(decode(file.read(), file.name), {}, {}) for file in sample(files, _ROWS, seed)]
