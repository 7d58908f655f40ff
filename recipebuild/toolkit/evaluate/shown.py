"""What previews of all tasks share: which models answer, a few images without labels, the names of classes on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.toolkit.calibration.archive import sample
from recipebuild.toolkit.calibration.decode import decode
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.runners import onnx_runner, open_model, recorded_runner

if TYPE_CHECKING:
    from PIL import Image

    from recipebuild.toolkit.evaluate.palette import Label
    from recipebuild.toolkit.evaluate.runners import Run

ROWS = 3
"""How many images a preview shows."""
_MODELS = {"float": "model", "quantized": "compiled"}
"""The columns, and the inputs that are their models."""


def columns(inputs: Mapping[str, Path], spec: ImageSpec, task: str) -> dict[str, Run]:
    """What answers in each column: of a dataset what the models gave in other steps, else the models themselves.

    Args:
        inputs: With a ``dataset`` also ``float`` and ``quantized`` (tars); else ``model`` and ``compiled`` (ONNX). A
            column whose input is not there is left out.
        spec: The models' input.
        task: The recipe's ``model.task``.

    Raises:
        StepError: If ONNX Runtime cannot load a model.
    """
    if "dataset" in inputs:
        return {title: recorded_runner(inputs[title], task) for title in _MODELS if title in inputs}
    there = {title: name for title, name in _MODELS.items() if name in inputs}
    return {title: onnx_runner(open_model(inputs[name]), spec, task) for title, name in there.items()}


def calibration_images(archive: Path, seed: int) -> list[tuple[str, Image.Image]]:
    """A few images of the calibration set, by their files' names.

    Raises:
        StepError: If one cannot be decoded.
    """
    with images(archive) as files:
        return [(file.name, decode(file.read(), file.name)) for file in sample(files, ROWS, seed)]


def write_classes(labels: Sequence[Label], path: Path) -> None:
    """Write names and colours (``#rrggbb``) of classes as JSON."""
    colors = [{"name": label.name, "color": "#" + bytes(label.color).hex()} for label in labels]
    path.write_text(json.dumps(colors, indent=1) + "\n", encoding="utf-8")
