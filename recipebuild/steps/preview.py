"""preview: what the models see, as a picture.

Inputs: model (ONNX), quantized (ONNX, optional), dataset (folder with images/ and labels/, optional),
calibration (tar). Outputs: preview.png, with columns input | float | quantized | ground truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from recipebuild.calibration.archive import sample
from recipebuild.calibration.decode import decode
from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.calibration.source import images
from recipebuild.engine.step import Progress
from recipebuild.evaluate.dataset import IGNORE, DatasetSpec, read, samples
from recipebuild.evaluate.palette import palette
from recipebuild.evaluate.preview import Row, draw, most_varied
from recipebuild.evaluate.runners import open_model
from recipebuild.evaluate.segmentation import class_count, segment

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    Picture = tuple[Image.Image, dict[str, npt.NDArray[Any]]]

_ROWS = 3
_MODELS = {"float": "model", "quantized": "quantized"}
"""The input that each column comes from."""


class Params(BaseModel):
    """What to draw.

    Attributes:
        input: The recipe's input.
        dataset: How the dataset is laid out.
        seed: Which images, where labels do not decide it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    dataset: DatasetSpec = DatasetSpec()
    seed: int = 0


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Run the models on a few images and draw what they give."""
    models = {title: open_model(inputs[name]) for title, name in _MODELS.items() if name in inputs}
    classes = class_count(inputs["model"]) or IGNORE
    pictures = (
        _labelled(inputs["dataset"], params.dataset, classes, params.seed)
        if "dataset" in inputs
        else _unlabelled(inputs["calibration"], params.seed)
    )
    rows = []
    for done, (image, truth) in enumerate(pictures, 1):
        masks = {title: segment(model, image, params.input) for title, model in models.items()}
        rows.append(Row(image, {**masks, **truth}))
        progress(done / (len(pictures) + 1), f"image {done} of {len(pictures)}")
    picture = draw(rows, palette(classes))
    picture.save(out / "preview.png")
    return {"images": len(rows), "size": f"{picture.width}x{picture.height}"}


def _labelled(dataset: Path, spec: DatasetSpec, classes: int, seed: int) -> list[Picture]:
    """The dataset's images with most classes, and their ground truth."""
    chosen = most_varied(samples(dataset, spec=spec), _ROWS, classes, seed)
    return [(image, {"ground truth": label}) for image, label in (read(one, classes) for one in chosen)]


def _unlabelled(calibration: Path, seed: int) -> list[Picture]:
    """A few images of the calibration set."""
    with images(calibration) as found:
        return [(decode(file.read(), file.name), {}) for file in sample(found, _ROWS, seed)]
