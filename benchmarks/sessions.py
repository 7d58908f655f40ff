"""How far a quantized model's figures depend on the session: ONNX Runtime's levels, its kernels, threads.

Run: ``python -m benchmarks.sessions`` after ``recipebuild run quickstart``, in the same folder. Rows have the mIoU on
the quickstart's held-out scenes, the share of class ids that are those of the first row, and the seconds of a thread
for each image, the least of five rounds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.timing import machine
from recipebuild.recipe.load import load
from recipebuild.resources import shipped
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.integer_products import runnable
from recipebuild.toolkit.evaluate.measure import Measurement, image_scores
from recipebuild.toolkit.evaluate.runners import batch

if TYPE_CHECKING:
    import onnxruntime

BUILD = Path("build/quickstart")
LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL")
KERNELS = ("float", "products", "integer")
"""Of the quantized model: float as it is written; the same but for products; ONNX Runtime's integer kernels."""
ROUNDS = 5


def main() -> None:
    image = load("quickstart", cwd=Path.cwd())[0].recipe.input
    assert image is not None
    spec = ImageSpec(**image.model_dump(mode="json"))
    heldout = shipped("recipes") / "quickstart" / "heldout"
    dataset = DatasetSpec()
    how = Measurement.of(BUILD / "model.onnx", heldout, dataset, relative=False)
    images, truths = zip(*(how.read(sample) for sample in samples(heldout, spec=dataset)), strict=True)
    feeds = [batch(image, spec) for image in images]
    print(f"the quickstart's quantized.onnx, {len(images)} images; {machine()}")
    print(f"  {'level':20} {'kernels':8} {'threads':>7} {'mIoU':>9} {'same ids':>9} {'seconds':>8}")
    first: list[np.ndarray] = []
    for level in LEVELS:
        for kernels in KERNELS:
            for threads in (1, 2):
                model = session(BUILD / "quantized.onnx", level, kernels, threads=threads)
                ids = [model.run(None, {spec.name: feed})[0] for feed in feeds]
                first = first or ids
                counts = [
                    how.score.count(truth, answer([each], dataset.task, "quantized.onnx"))
                    for truth, each in zip(truths, ids, strict=True)
                ]
                miou = image_scores(counts, how.score).figures()["miou"]
                same = np.mean([(one == other).mean() for one, other in zip(first, ids, strict=True)])
                took = min(seconds(model, feeds, spec.name) for _ in range(ROUNDS)) if threads == 1 else None
                shown = f"{took:8.4f}" if took is not None else ""
                print(f"  {level:20} {kernels:8} {threads:7} {miou:9.6f} {same:9.4%} {shown}".rstrip())


def session(path: Path, level: str, kernels: str, *, threads: int) -> onnxruntime.InferenceSession:
    """The model at a level of optimization, with one of ``KERNELS``."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.disable_quant_qdq", "0" if kernels == "integer" else "1")
    model = runnable(path) if kernels == "products" else path
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def seconds(model: onnxruntime.InferenceSession, feeds: list[np.ndarray], name: str) -> float:
    """Processor time of an image."""
    began = time.thread_time()
    for feed in feeds:
        model.run(None, {name: feed})
    return (time.thread_time() - began) / len(feeds)


if __name__ == "__main__":
    main()
