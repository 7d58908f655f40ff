"""simulate: the compiled model on labelled images, on this machine: the results to expect on the board.

Inputs: compiled (compiled.axmodel), quantized (folder with quant_axmodel.onnx; for mode Reference), dataset (folder).
Outputs: predictions.tar.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.calibration.runtime import runtime_tensor
from recipebuild.toolkit.calibration.spec import ImageSpec, Runtime
from recipebuild.toolkit.calibration.tensors import narrow
from recipebuild.toolkit.evaluate.answering import kept_outputs
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_image, samples
from recipebuild.toolkit.evaluate.feeds import feed_of
from recipebuild.toolkit.evaluate.output_order import as_computed, axes_of
from recipebuild.toolkit.evaluate.recorded import write_outputs
from recipebuild.toolkit.evaluate.rung_images import climbing
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.statistics import inputs as inputs_of
from recipebuild.toolkit.graph.statistics import outputs
from recipebuild.toolkit.pulsar2.build import COMPILED, QUANTIZED
from recipebuild.toolkit.pulsar2.run import simulate
from recipebuild.toolkit.pulsar2.tool import Tool

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.graph.statistics import Tensor

    Outputs = list[npt.NDArray[Any]]

_AT_ONCE = 16
"""Images per call of the tool: its start takes seconds, its files take room."""


class Params(BaseModel):
    """What is fed, on which images, and which Pulsar2 simulates.

    Attributes:
        input: The image of the model that was compiled; ``None`` if it takes none.
        runtime: What the program on the board feeds.
        dataset: How the dataset is laid out.
        count: How many images to draw from the dataset; ``None`` for all.
        seed: Which ones.
        permuted: In which order of axes the compiled model gives outputs, by name; of those where it is another.
        few: Only the images that go up the ladder.
        mode: ``NPUBackend`` runs the compiled model; ``Reference`` the quantized one.
        runner: What runs.
        image: The container's image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec | None
    runtime: Runtime = Runtime()
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    permuted: dict[str, list[int]] = {}
    few: bool = False
    mode: Literal["NPUBackend", "Reference"] = "NPUBackend"
    runner: Literal["native", "docker"]
    image: str | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the model on the images that ``evaluate`` will take; write what it gives."""
    folder = Path.cwd()
    if params.mode == "Reference":
        for path in inputs["quantized"].glob("quant_axmodel.*"):
            shutil.copyfile(path, folder / path.name)
    else:
        shutil.copyfile(inputs["compiled"], folder / COMPILED)
    target = out / "predictions.tar"
    count = 0

    def counted() -> Iterator[tuple[str, Outputs]]:
        nonlocal count
        for name, tensors in _predictions(folder, inputs, params, progress):
            count += 1
            yield name, kept_outputs(tensors, params.dataset.task)

    write_outputs(target, counted())
    return {"images": count}


def _predictions(
    folder: Path, inputs: Mapping[str, Path], params: Params, progress: Progress
) -> Iterator[tuple[str, Outputs]]:
    """The name of each sample and what the model gives."""
    reference = params.mode == "Reference"
    model = Path(QUANTIZED).name if reference else COMPILED
    graph = load(folder / model, weights=False)
    runtime = _fed(graph, params)
    axes = {tensor.name: _axes(tensor, params, inputs["compiled"]) for tensor in outputs(graph)}
    tool = Tool(params.runner, params.image)
    drawn = samples(inputs["dataset"], params.count, params.seed, params.dataset)
    chosen = climbing(drawn) if params.few else drawn
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        progress(start / len(chosen), f"sample {start} of {len(chosen)}")
        feeds = []
        for sample in some:
            feed = {name: narrow(values) for name, values in feed_of(sample, None, params.dataset.tensors).items()}
            if params.input:
                fed = runtime_tensor(read_image(sample), params.input, runtime)
                feed[params.input.name] = fed.repeat(params.input.shape[0], axis=0)
            feeds.append(feed)
        simulated = simulate(folder, tool, model, feeds, outputs(graph), reference=reference)
        for sample, tensors in zip(some, simulated, strict=True):
            yield sample.name, [as_computed(values, axes[output]) for output, values in tensors.items()]


def _axes(tensor: Tensor, params: Params, compiled: Path) -> Sequence[int]:
    """The order in which an output is given: a quantized model need not have what is put behind the network either."""
    axes = axes_of(tensor.name, params.permuted)
    if not axes or params.mode == "NPUBackend":
        return axes
    permuted = next((each.sizes for each in outputs(load(compiled, weights=False)) if each.name == tensor.name), None)
    return axes if tensor.sizes == permuted else ()


def _fed(graph: onnx.ModelProto, params: Params) -> Runtime:
    """What the model is fed: a quantized one need not have the operators that are put before the network."""
    if params.input is None:
        return params.runtime
    input_ = next((tensor for tensor in inputs_of(graph) if tensor.name == params.input.name), None)
    network = Runtime(dtype="FP32", layout="NCHW", normalized=True)
    bare = input_ is not None and (input_.dtype, input_.sizes) == ("float32", network.shape(params.input))
    return network if params.mode == "Reference" and bare else params.runtime
