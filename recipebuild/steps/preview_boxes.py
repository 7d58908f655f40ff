"""preview: the boxes of the float and the quantized model, as a picture.

Inputs: model (ONNX), config (the model's config.json, optional); calibration (tar). With a labelled dataset: dataset
(folder), weights (folder in HF layout, optional), and what the models gave for it: float, quantized (tars of the step
answers; of what Pulsar2 compiled, of a simulation). Without one: compiled (ONNX, optional), which runs as model does.
Outputs: preview.png, with columns input | float | quantized | ground truth; the same pictures one by one in
panels/<row>/, and panels/classes.json: names and colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import StepError
from recipebuild.facts.tasks import DETECTION
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_truth, samples
from recipebuild.toolkit.evaluate.detections import Detection
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.evaluate.preview_boxes import drawn, sheet
from recipebuild.toolkit.evaluate.shown import ROWS, calibration_images, columns, write_classes
from recipebuild.toolkit.models.detector import detector_of

if TYPE_CHECKING:
    from PIL import Image

    from recipebuild.toolkit.detection.truth import Truth
    from recipebuild.toolkit.evaluate.palette import Label
    from recipebuild.toolkit.evaluate.runners import Run

_SHOWN = 0.3
"""The score from which on a box is drawn; figures look at lower ones, too."""
_CANDIDATES = 48


class Params(BaseModel):
    """What to draw.

    Attributes:
        input: The recipe's input.
        dataset: How the dataset is laid out.
        count: How many images of the dataset are evaluated; ``None`` for all.
        seed: Which of them, and which are drawn without a dataset.
        labels: What the classes are called; ``None`` as the model tells.
        detector: How boxes are made; ``None`` where the model's config.json tells.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    dataset: DatasetSpec = DatasetSpec(task=DETECTION)
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    labels: list[str] | None = None
    detector: Detector | None = None
    device: str = CPU


@on_device
def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Draw what the models give for a few images.

    Raises:
        StepError: If an image or a label cannot be used, or the outputs are not those of the detector.
    """
    detector = params.detector
    if detector is None:
        if "config" not in inputs:
            raise StepError("an ONNX file does not say how its outputs become boxes", field="detector")
        detector = detector_of(inputs["config"])
    detection = Detection(detector, params.input)
    labels = palette(class_names(detector.classes, labels=params.labels, config=inputs.get("config")))
    runs = columns(inputs, params.input, DETECTION)
    chosen = _labelled(inputs, params, detector.classes) if "dataset" in inputs else _unlabelled(inputs, params.seed)
    rows = []
    for done, (name, image, truth) in enumerate(chosen, 1):
        rows.append(_row(name, image, truth, runs, detection, labels))
        progress(done / (len(chosen) + 1), f"image {done} of {len(chosen)}")
    picture = sheet(rows)
    picture.save(out / "preview.png")
    for number, row in enumerate(rows):
        (out / "panels" / str(number)).mkdir(parents=True)
        for title, panel in row.items():
            panel.save(out / "panels" / str(number) / f"{title.replace(' ', '-')}.jpg", quality=85, subsampling=0)
    write_classes(labels, out / "panels/classes.json")
    return {"images": len(rows), "size": f"{picture.width}x{picture.height}"}


def _row(
    name: str, image: Image.Image, truth: Truth | None, runs: Mapping[str, Run], detection: Detection,
    labels: Sequence[Label],
) -> dict[str, Image.Image]:  # fmt: skip
    """The panels of one image, by title."""
    import numpy as np

    row = {"input": drawn(image, np.zeros((0, 4)), [], [])}
    for title, run_ in runs.items():
        objects = detection.objects(run_(image, name), image.size, title)
        n = int((objects.scores >= _SHOWN).sum())
        some = [labels[i] for i in objects.ids[:n]]
        texts = [f"{label.name} {score:.2f}" for label, score in zip(some, objects.scores[:n], strict=True)]
        row[title] = drawn(image, objects.boxes[:n][::-1], [label.color for label in some][::-1], texts[::-1])
    if truth is not None:
        some = [labels[i] for i in truth.ids]
        row["ground truth"] = drawn(image, truth.boxes, [label.color for label in some], [one.name for one in some])
    return row


def _labelled(inputs: Mapping[str, Path], params: Params, classes: int) -> list[tuple[str, Image.Image, Truth | None]]:
    """Of the first images that are evaluated those with most classes, and what is true of them."""
    spec, _ = as_trained(params.dataset, inputs["dataset"], inputs.get("weights"), params.labels)
    some = samples(inputs["dataset"], params.count, params.seed, spec)[:_CANDIDATES]
    read = [(one.name, *read_truth(one, DETECTION, classes)) for one in some]
    return sorted(read, key=lambda one: (-len(set(one[2].ids.tolist())), one[0]))[:ROWS]


def _unlabelled(inputs: Mapping[str, Path], seed: int) -> list[tuple[str, Image.Image, Truth | None]]:
    """A few images of the calibration set."""
    return [(name, image, None) for name, image in calibration_images(inputs["calibration"], seed)]
