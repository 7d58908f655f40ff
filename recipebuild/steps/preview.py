"""preview: what the models see, as a picture.

Inputs: model (ONNX), quantized (ONNX, optional), dataset (folder with images/ and labels/, optional),
calibration (tar). Outputs: preview.png, with columns input | float | quantized | ground truth; the same pictures one by
one in panels/<row>/, with the pixels in which float and quantized differ, and panels/classes.json: names and colours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from recipebuild.calibration.archive import sample
from recipebuild.calibration.decode import decode
from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.calibration.source import images
from recipebuild.engine.step import Progress
from recipebuild.evaluate.dataset import IGNORE, read, samples
from recipebuild.evaluate.palette import palette
from recipebuild.evaluate.preview import Row, draw, most_varied, pictures
from recipebuild.evaluate.segmentation import class_count, open_model, segment

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    from recipebuild.evaluate.palette import Label

    Picture = tuple[Image.Image, dict[str, npt.NDArray[Any]]]

_ROWS = 3
_MODELS = {"float": "model", "quantized": "quantized"}
"""The input that each column comes from."""


class Params(BaseModel):
    """What to draw.

    Attributes:
        input: The recipe's input.
        seed: Which images, where labels do not decide it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    seed: int = 0


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Run the models on a few images and draw what they give."""
    models = {title: open_model(inputs[name]) for title, name in _MODELS.items() if name in inputs}
    classes = class_count(inputs["model"]) or IGNORE
    chosen = (
        _labelled(inputs["dataset"], classes, params.seed)
        if "dataset" in inputs
        else _unlabelled(inputs["calibration"], params.seed)
    )
    rows = []
    for done, (image, truth) in enumerate(chosen, 1):
        masks = {title: segment(model, image, params.input) for title, model in models.items()}
        rows.append(Row(image, {**masks, **truth}))
        progress(done / (len(chosen) + 1), f"image {done} of {len(chosen)}")
    labels = palette(classes)
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


def _labelled(dataset: Path, classes: int, seed: int) -> list[Picture]:
    """The dataset's images with most classes, and their ground truth."""
    chosen = most_varied(samples(dataset), _ROWS, classes, seed)
    return [(image, {"ground truth": label}) for image, label in (read(one, classes) for one in chosen)]


def _unlabelled(calibration: Path, seed: int) -> list[Picture]:
    """A few images of the calibration set."""
    with images(calibration) as found:
        return [(decode(file.read(), file.name), {}) for file in sample(found, _ROWS, seed)]
