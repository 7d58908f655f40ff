"""answers: the outputs of one model for each image of a dataset, computed once for all later steps.

Images that were among those of an earlier run keep their answers: more images cost what these cost. A model with a
state runs over all, as what it gives for a sample is fed with the next one.

Inputs: model (ONNX), or weights (folder in HF layout); dataset (folder); earlier (optional: the folder that an earlier
run wrote with the same model).
Outputs: answers.tar (see ``recorded.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.answering import kept_outputs, outputs_of_all
from recipebuild.toolkit.evaluate.answers import check_finite
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, Sample, samples
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.evaluate.feeds import digest_of, feed_of
from recipebuild.toolkit.evaluate.parts import Part, part_of
from recipebuild.toolkit.evaluate.recorded import Recorded, write_outputs
from recipebuild.toolkit.evaluate.runners import open_model, outputs_of_feed
from recipebuild.toolkit.evaluate.states import FedBack, State
from recipebuild.toolkit.models.run import Weights, torch_runner

if TYPE_CHECKING:
    import numpy.typing as npt

    from recipebuild.toolkit.evaluate.feeds import Feed

    Array = npt.NDArray[Any]

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Which images the model sees.

    Attributes:
        input: The image that it takes; ``None`` if it takes none.
        weights: Of a PyTorch model: which it is.
        dataset: How the dataset is laid out; nothing of its labels matters here.
        count: How many images to draw from it; ``None`` for all.
        seed: Which ones.
        part: Which half of these.
        share: Of these again, which share (from 0), and how many shares there are.
        states: Of an ONNX model: the inputs that its own outputs are fed back to, in place of those of the dataset.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec | None
    weights: Weights = Weights()
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    part: Part = "all"
    share: tuple[int, int] = (0, 1)
    states: tuple[State, ...] = ()
    device: str = CPU


@on_device
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
    number, shares = params.share
    chosen = chosen[number::shares]
    digests = {sample.name: digest_of(sample) for sample in chosen}
    goes_on = "earlier" in inputs and not params.states
    earlier = Recorded(inputs["earlier"] / "answers.tar") if goes_on else None
    before = earlier.samples if earlier else {}
    fresh = [sample for sample in chosen if digests[sample.name] not in before]
    logger.info("%d of %d images are computed, the others were before", len(fresh), len(chosen))
    computed = _computed(inputs, params, fresh, progress)

    def kept() -> Iterator[tuple[str, list[Array]]]:
        for sample in chosen:
            known = before.get(digests[sample.name])
            yield sample.name, next(computed) if known is None or earlier is None else earlier.outputs(known)

    write_outputs(out / "answers.tar", kept(), digests)
    return {"images": len(chosen)}


def _computed(
    inputs: Mapping[str, Path], params: Params, fresh: Sequence[Sample], progress: Progress
) -> Iterator[list[Array]]:
    """What the model gives for samples, in their order; it is loaded if there are any."""
    if not fresh:
        return
    name, model = _model(inputs, params)

    def prepare(sample: Sample) -> tuple[str, Feed]:
        return sample.name, feed_of(sample, params.input, params.dataset.tensors)

    for number, outputs in enumerate(outputs_of_all(fresh, prepare, model), 1):
        check_finite(outputs, name)
        progress(number / len(fresh), f"sample {number} of {len(fresh)}")
        yield kept_outputs(outputs, params.dataset.task)


def _model(inputs: Mapping[str, Path], params: Params) -> tuple[str, Callable[[tuple[str, Feed]], Sequence[Array]]]:
    """What messages call the model, and what runs it on what a sample of a name is fed."""
    if "weights" in inputs:
        forward = torch_runner(inputs["weights"], params.weights)
        return "PyTorch", lambda fed: forward(fed[1])
    loaded = open_model(inputs["model"])
    fed_back = FedBack(params.states, loaded.session.output_names)

    def run_on(fed: tuple[str, Feed]) -> Sequence[Array]:
        outputs = outputs_of_feed(loaded, fed_back.feed(*fed))
        fed_back.keep(outputs)
        return outputs

    return loaded.name, run_on
