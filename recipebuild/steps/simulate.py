"""simulate: the compiled model on labelled images, on this machine: what it will say on the board.

Inputs: compiled (compiled.axmodel), dataset (folder with images/ and labels/).   Outputs: predictions.tar.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.calibration.decode import decode
from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.calibration.runtime import Runtime, runtime_tensor
from recipebuild.engine.step import Progress
from recipebuild.evaluate.dataset import samples
from recipebuild.evaluate.recorded import write_ids
from recipebuild.evaluate.segmentation import class_ids
from recipebuild.pulsar2.axmodel import describe
from recipebuild.pulsar2.build import COMPILED
from recipebuild.pulsar2.run import simulate
from recipebuild.pulsar2.tool import Tool

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_AT_ONCE = 16
"""Images per call of the tool: its start takes seconds, its files take room."""


class Params(BaseModel):
    """What is fed, on which images, and which Pulsar2 simulates.

    Attributes:
        input: Of the model that was compiled.
        runtime: What the program on the board feeds.
        count: How many images to draw from the dataset; ``None`` for all.
        seed: Which ones.
        runner: What runs.
        image: The container's image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    runtime: Runtime = Runtime()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    runner: Literal["native", "docker"]
    image: str | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the model on the images that ``evaluate`` will take; write the class ids."""
    folder = Path.cwd()
    shutil.copyfile(inputs["compiled"], folder / COMPILED)
    target = out / "predictions.tar"
    count = 0

    def counted() -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        nonlocal count
        for name, ids in _predictions(folder, inputs["dataset"], params, progress):
            count += 1
            yield name, ids

    write_ids(target, counted())
    return {"images": count}


def _predictions(
    folder: Path, dataset: Path, params: Params, progress: Progress
) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """The name of each sample and its class ids."""
    model = describe(folder / COMPILED)
    tool = Tool(params.runner, params.image)
    chosen = samples(dataset, params.count, params.seed)
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        progress(start / len(chosen), f"image {start} of {len(chosen)}")
        feeds = []
        for sample in some:
            image = decode(sample.image.read(), sample.image.name)
            fed = runtime_tensor(image, params.input, params.runtime)
            feeds.append({params.input.name: fed.repeat(params.input.shape[0], axis=0)})
        for sample, outputs in zip(some, simulate(folder, tool, COMPILED, feeds, model.outputs), strict=True):
            yield sample.name, class_ids(list(outputs.values()), COMPILED)
