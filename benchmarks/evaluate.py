"""Images a second of ``answers-float`` and ``answers-quantized`` on the CPU and each GPU, against a bare loop.

    python -m benchmarks.evaluate                              # after `recipebuild run quickstart`, in the same folder
    python -m benchmarks.evaluate mine build/mine ./heldout    # a recipe, its build folder, and a folder of images
    python -m benchmarks.evaluate mine build/mine ./heldout cuda:0    # on that device alone

The bare loop decodes each image, prepares it and runs the same session; the step also checks what comes out, and keeps
it. Both load the model themselves, and images a second leave that time out. Rounds alternate; the ratio is of medians
of processor time, as other work on the machine counts for that least.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine
from recipebuild.recipe.load import load
from recipebuild.resources import shipped
from recipebuild.steps import answers
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_image, samples
from recipebuild.toolkit.evaluate.device import resolve, using
from recipebuild.toolkit.evaluate.runners import open_model, outputs_of

ROUNDS = 5
MODELS = {"float": "model.onnx", "quantized": "quantized.onnx"}


def main() -> None:
    named = sys.argv[1:] or ["quickstart", "build/quickstart", str(shipped("recipes") / "quickstart" / "heldout")]
    recipe, build, dataset = load(named[0], cwd=Path.cwd())[0].recipe, Path(named[1]), Path(named[2])
    assert recipe.input is not None
    spec = ImageSpec(**recipe.input.model_dump(mode="json"))
    count = len(samples(dataset, spec=DatasetSpec(task=recipe.model.task))) - 1  # the first counts as loading
    print(f"{recipe.name}, {count} images, medians of {ROUNDS}; {machine()}")
    print(f"  {'':20} {'load, s':>8} {'images/s':>9} {'of the bare loop':>17}")
    figures: dict[str, results.Figure] = {}
    of_an_image: dict[str, float] = {}
    for device, (name, file) in itertools.product(named[3:] or devices(), MODELS.items()):
        data = DatasetSpec(task=recipe.model.task)
        params = answers.Params(input=spec, dataset=data, device=device)
        loads, step, loop = measured(build / file, dataset, params, spec)
        loading = statistics.median(seconds for seconds, _ in loads)
        speeds = [count / (statistics.median(seconds for seconds, _ in runs) - loading) for runs in (step, loop)]
        ratio = statistics.median(busy for _, busy in loop) / statistics.median(busy for _, busy in step)
        print(f"  {device:8} {name:11} {loading:8.2f} {speeds[0]:9.2f} {ratio:17.2f}")
        if device == "cpu":
            busy = [statistics.median(seconds for _, seconds in runs) for runs in (loop, loads)]
            of_an_image[name] = (busy[0] - busy[1]) / count
        figures[f"{device}, {name}"] = results.Figure(speeds[0], "images/s", speeds[1], "a bare loop")
        figures[f"{device}, {name}, of the loop's processor time"] = results.Figure(ratio, "times")
    if of_an_image:
        ratio = of_an_image["quantized"] / of_an_image["float"]
        print(f"  cpu      quantized against float, processor time of an image: {ratio:.2f}")
        figures["cpu, quantized against float"] = results.Figure(ratio, "times")
    results.append(f"evaluate {recipe.name}", figures)


def devices() -> list[str]:
    """The CPU, and the GPUs that ONNX Runtime can use, in their order."""
    gpus = itertools.takewhile(lambda name: resolve(name)[0] == name, (f"cuda:{number}" for number in range(16)))
    return ["cpu", *gpus]


Runs = list[tuple[float, float]]


def measured(model: Path, dataset: Path, params: answers.Params, spec: ImageSpec) -> tuple[Runs, Runs, Runs]:
    """Wall and processor seconds of each round: of loading the model and a first image, of the step, of the loop."""
    images = samples(dataset, spec=params.dataset)

    def load() -> None:
        with using(params.device):
            outputs_of(open_model(model), read_image(images[0]), spec)

    def step() -> None:
        with tempfile.TemporaryDirectory() as out:
            answers.run({"model": model, "dataset": dataset}, params, Path(out), lambda fraction, text="": None)

    def loop() -> None:
        with using(params.device):
            loaded = open_model(model)
        for sample in images:
            outputs_of(loaded, read_image(sample), spec)

    runs: tuple[Runs, Runs, Runs] = ([], [], [])
    for _ in range(ROUNDS):
        for what, taken in zip((load, step, loop), runs, strict=True):
            taken.append(timed(what))
    return runs


def timed(what: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds."""
    began, busy = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - began, time.process_time() - busy


if __name__ == "__main__":
    main()
