"""states: samples of a model with a state, in order -> the same samples, each with its state.

The float model runs over them, so that every later step can take a sample by itself.

Inputs: model (ONNX); samples (tar) of calibration, or dataset (folder) of evaluation.
Outputs: samples.tar, or dataset (a folder with an .npz file for each sample).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.calibration.samples import read_samples, write_samples
from recipebuild.toolkit.calibration.tensor_files import TensorSpec
from recipebuild.toolkit.evaluate.answers import check_finite
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.feeds import feed_of
from recipebuild.toolkit.evaluate.runners import open_model, outputs_of_feed
from recipebuild.toolkit.evaluate.states import FedBack, State

if TYPE_CHECKING:
    from recipebuild.toolkit.evaluate.feeds import Feed


class Params(BaseModel):
    """What the model takes.

    Attributes:
        task: What it is for.
        states: The inputs that outputs are fed back to.
        tensors: The others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    states: tuple[State, ...] = Field(min_length=1)
    tensors: tuple[TensorSpec, ...]


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Feed the samples one after another, and write what each was fed.

    Raises:
        CheckError: If the model gives NaN.
        StepError: If a sample cannot be used, or the model has no such output, or one of another shape.
    """
    import numpy as np

    if "samples" in inputs:
        count = write_samples(out / "samples.tar", _fed(inputs["model"], params, read_samples(inputs["samples"])))
        return {"samples": count}
    spec = DatasetSpec(task=params.task, tensors=params.tensors, has_image=False)
    drawn = samples(inputs["dataset"], spec=spec)
    fed = ((sample.name, feed_of(sample, None, params.tensors)) for sample in drawn)
    (out / "dataset").mkdir()
    for done, (name, feed) in enumerate(_fed(inputs["model"], params, fed), 1):
        np.savez(out / "dataset" / f"{name}.npz", **dict(feed))  # type: ignore[arg-type]  # of its flag for pickles
        progress(done / len(drawn), f"sample {done} of {len(drawn)}")
    return {"samples": len(drawn)}


def _fed(model: Path, params: Params, named: Iterator[tuple[str, Feed]]) -> Iterator[tuple[str, Feed]]:
    """The samples with the states that each is fed."""
    loaded = open_model(model)
    fed_back = FedBack(params.states, loaded.session.output_names)
    for name, feed in named:
        whole = fed_back.feed(name, feed)
        yield name, whole
        outputs = outputs_of_feed(loaded, whole)
        check_finite(outputs, loaded.name)
        fed_back.keep(outputs)
