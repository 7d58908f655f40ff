"""preview, of networks that make images: the images that the models produce.

Inputs: model (ONNX); calibration (tar). With targets: dataset (folder with images/ and targets/), and what the models
gave for it: float, quantized (tars of the step answers; of what Pulsar2 compiled, of a simulation). Without them:
compiled (ONNX, optional), which runs as model does.
Outputs: preview.png, with columns input | float | quantized | difference | target; the same pictures one by one in
panels/<row>/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.facts.tasks import RESTORATION
from recipebuild.toolkit.calibration.preprocess import to_pixels
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_truth, samples
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.evaluate.gallery import difference, gallery, picture
from recipebuild.toolkit.evaluate.pixels import Target, as_pixels, fitting
from recipebuild.toolkit.evaluate.shown import ROWS, calibration_images, columns

if TYPE_CHECKING:
    from PIL import Image

    from recipebuild.toolkit.evaluate.pixels import Pixels


class Params(BaseModel):
    """What to draw.

    Attributes:
        input: Of the model that was compiled.
        original: Of the network, as which its image is to be read.
        dataset: How the dataset is laid out.
        count: How many images of the dataset are evaluated; ``None`` for all.
        seed: Which of them, and which are drawn of the calibration set.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    original: ImageSpec
    dataset: DatasetSpec = DatasetSpec(task=RESTORATION)
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    device: str = CPU


@on_device
def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Show what the models make of a few images.

    Raises:
        StepError: If an image or a target cannot be used, or a model gives no image.
    """
    runs = columns(inputs, params.input, RESTORATION)
    rows = []
    for name, image, target in _chosen(inputs, params):
        made = {title: _pixels(run(image, name), params.original) for title, run in runs.items()}
        rows.append({title: picture(pixels) for title, pixels in _row(image, made, target, params.original).items()})
        progress(len(rows) / (ROWS + 1), f"image {len(rows)}")
    drawn = gallery(rows)
    drawn.save(out / "preview.png")
    for number, row in enumerate(rows):
        folder = out / "panels" / str(number)
        folder.mkdir(parents=True)
        for title, panel in row.items():
            panel.save(folder / f"{title}.png", optimize=True)
    return {"images": len(rows), "size": f"{drawn.width}x{drawn.height}"}


def _chosen(inputs: Mapping[str, Path], params: Params) -> Iterator[tuple[str, Image.Image, Target | None]]:
    """A few of the images that are evaluated, with their targets; without a dataset, of the calibration set."""
    if "dataset" in inputs:
        for one in samples(inputs["dataset"], params.count, params.seed, params.dataset)[:ROWS]:
            yield one.name, *read_truth(one, RESTORATION, 0)
        return
    for name, image in calibration_images(inputs["calibration"], params.seed):
        yield name, image, None


def _row(image: Image.Image, made: Mapping[str, Pixels], target: Target | None, spec: ImageSpec) -> dict[str, Pixels]:
    """The pixels of a row, all of the network's size: what it is fed is enlarged by bicubic interpolation."""
    import numpy as np
    from PIL import Image

    like = made["float"]
    fed = to_pixels(image, spec.model_copy(update={"color": "RGB"}))[0]
    enlarged = Image.fromarray(fed).resize(like.shape[1::-1], Image.Resampling.BICUBIC)
    row: dict[str, Pixels] = {"input": np.asarray(enlarged), **made}
    if "quantized" in made:
        row["difference"] = difference(like, made["quantized"])
    if target is not None:
        row["target"] = fitting(target, like, spec)
    return row


def _pixels(answer: Answer, spec: ImageSpec) -> Pixels:
    assert answer.values is not None, "answers of networks that make images have values"  # noqa: S101 - see answers.py
    return as_pixels(answer.values, spec)
