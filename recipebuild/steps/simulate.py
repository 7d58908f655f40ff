"""simulate: the compiled model on labelled images, on this machine: what it will say on the board.

Inputs: compiled (compiled.axmodel), dataset (folder).   Outputs: predictions.tar.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.calibration.runtime import Runtime, runtime_tensor
from recipebuild.engine.step import Progress
from recipebuild.evaluate.dataset import DatasetSpec, read_image, samples
from recipebuild.evaluate.recorded import write_outputs
from recipebuild.pulsar2.axmodel import describe
from recipebuild.pulsar2.build import COMPILED
from recipebuild.pulsar2.run import simulate
from recipebuild.pulsar2.tool import Tool

if TYPE_CHECKING:
    import numpy.typing as npt

    Outputs = list[npt.NDArray[Any]]

_AT_ONCE = 16
"""Images per call of the tool: its start takes seconds, its files take room."""


class Params(BaseModel):
    """What is fed, on which images, and which Pulsar2 simulates.

    Attributes:
        input: Of the model that was compiled.
        runtime: What the program on the board feeds.
        dataset: How the dataset is laid out.
        count: How many images to draw from the dataset; ``None`` for all.
        seed: Which ones.
        runner: What runs.
        image: The container's image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    runtime: Runtime = Runtime()
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    runner: Literal["native", "docker"]
    image: str | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the model on the images that ``evaluate`` will take; write what it gives."""
    folder = Path.cwd()
    shutil.copyfile(inputs["compiled"], folder / COMPILED)
    target = out / "predictions.tar"
    count = 0

    def counted() -> Iterator[tuple[str, Outputs]]:
        nonlocal count
        for name, found in _predictions(folder, inputs["dataset"], params, progress):
            count += 1
            yield name, found

    write_outputs(target, counted())
    return {"images": count}


def _predictions(folder: Path, dataset: Path, params: Params, progress: Progress) -> Iterator[tuple[str, Outputs]]:
    """The name of each sample and what the model gives."""
    model = describe(folder / COMPILED)
    tool = Tool(params.runner, params.image)
    chosen = samples(dataset, params.count, params.seed, params.dataset)
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        progress(start / len(chosen), f"image {start} of {len(chosen)}")
        feeds = []
        for sample in some:
            image = read_image(sample)
            fed = runtime_tensor(image, params.input, params.runtime)
            feeds.append({params.input.name: fed.repeat(params.input.shape[0], axis=0)})
        for sample, outputs in zip(some, simulate(folder, tool, COMPILED, feeds, model.outputs), strict=True):
            yield sample.name, list(outputs.values())
