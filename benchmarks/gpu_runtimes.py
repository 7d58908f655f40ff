"""Which runtime serves evidence on a GPU: milliseconds a run of a SegFormer in ONNX Runtime and in PyTorch.

    python -m benchmarks.gpu_runtimes build/mine path/to/weights      # a build folder, and the model's folder

One image at a time, of random values, copied to the GPU and back; medians of 30 runs after 5, in float32 without TF32.
PyTorch has no quantized model: the evidence graph is ONNX.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.timing import machine
from recipebuild.toolkit.evaluate.device import gpu_name, using
from recipebuild.toolkit.evaluate.runners import open_model

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

RUNS, FIRST = 30, 5


def main() -> None:
    import numpy as np
    import onnx

    build, weights = Path(sys.argv[1]), Path(sys.argv[2])
    taken = onnx.load(build / "model.onnx").graph.input[0]
    shape = [dim.dim_value for dim in taken.type.tensor_type.shape.dim]
    image = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    print(f"{shape}, medians of {RUNS}; {machine()}, {gpu_name('cuda:0')}")
    runs: dict[str, Callable[[], object]] = {}
    for device in ("cpu", "cuda:0"):
        for file in ("model.onnx", "quantized.onnx"):
            with using(device):
                session = open_model(build / file).session
            runs[f"ONNX Runtime, {device}, {file}"] = partial(session.run, None, {taken.name: image})
    runs["PyTorch, cuda:0, float"] = pytorch(weights, image)
    times = {name: milliseconds(run) for name, run in runs.items()}
    for name, took in times.items():
        print(f"  {name:40} {took:9.2f} ms")
    results.append("gpu runtimes", {name: results.Figure(took, "ms") for name, took in times.items()})


def pytorch(weights: Path, image: Array) -> Callable[[], object]:
    """The model of ``weights`` on the GPU, with an ArgMax over its logits."""
    import torch
    from transformers import AutoModelForSemanticSegmentation

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model = AutoModelForSemanticSegmentation.from_pretrained(weights).eval().to("cuda:0")

    def run() -> object:
        with torch.inference_mode():
            logits = model(pixel_values=torch.from_numpy(image).to("cuda:0")).logits
            return logits.argmax(1).cpu()

    return run


def milliseconds(run: Callable[[], object]) -> float:
    """The median of a run's time."""
    took = []
    for _ in range(FIRST + RUNS):
        began = time.perf_counter()
        run()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took[FIRST:])


if __name__ == "__main__":
    main()
