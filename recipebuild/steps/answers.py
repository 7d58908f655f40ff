"""answers: what one model gives for each image of a dataset, computed once for all that measure.

Inputs: model (ONNX), or weights (folder in HF layout); dataset (folder).
Outputs: answers.tar (see ``recorded.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.step import Progress
from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.preprocess import ImageSpec
from recipebuild.toolkit.evaluate.answering import kept_outputs, outputs_of_all
from recipebuild.toolkit.evaluate.answers import check_finite
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.parts import Part, part_of
from recipebuild.toolkit.evaluate.recorded import write_outputs
from recipebuild.toolkit.evaluate.runners import batch, open_model, outputs_of_batch
from recipebuild.toolkit.models.run import Weights, torch_runner

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class Params(BaseModel):
    """Which images the model sees.

    Attributes:
        input: What it takes.
        weights: Of a PyTorch model: which it is.
        dataset: How the dataset is laid out; nothing of its labels matters here.
        count: How many images to draw from it; ``None`` for all.
        seed: Which ones.
        part: Which half of these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    weights: Weights = Weights()
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    part: Part = "all"


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Run the model on the images, one at a time; write what it gives.

    Raises:
        CheckError: If it gives NaN.
        StepError: If an image cannot be used, there are too few for halves, or the model does not take them.
    """
    chosen = part_of(samples(inputs["dataset"], params.count, params.seed, params.dataset), params.part, params.seed)
    if not chosen:
        raise StepError(
            "the dataset cannot be cut into halves: it has one image", remedy="label more images, or evaluate.count"
        )
    name, model = _model(inputs, params)

    def kept() -> Iterator[tuple[str, list[Array]]]:
        computed = outputs_of_all(chosen, partial(batch, spec=params.input), model)
        for number, (sample, outputs) in enumerate(computed, 1):
            check_finite(outputs, name)
            progress(number / len(chosen), f"image {number} of {len(chosen)}")
            yield sample.name, kept_outputs(outputs)

    write_outputs(out / "answers.tar", kept())
    return {"images": len(chosen)}


def _model(inputs: Mapping[str, Path], params: Params) -> tuple[str, Callable[[Array], Sequence[Array]]]:
    """What messages call the model, and what runs it."""
    if "weights" in inputs:
        return "PyTorch", torch_runner(inputs["weights"], params.weights)
    loaded = open_model(inputs["model"])
    return loaded.name, partial(outputs_of_batch, loaded, params.input.name)
