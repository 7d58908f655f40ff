"""Our quantizer against ONNX Runtime's own ``quantize_static``, and against plain float runs, on the quickstart's data.

    python -m benchmarks.quantize                         # MinMax
    python -m benchmarks.quantize KL                      # or Percentile, MSE
    python -m benchmarks.quantize MinMax b0-cityscapes    # random weights, so no mIoU; once

Both calibrate on the same 32 images with U8 activations and S8 weights per channel, each in a process of its own: its
seconds and its peak memory are of the work, imports not counted in the seconds. mIoU is on the held-out scenes,
computed as the models are written. Plain float runs are those of the same images through ONNX Runtime as it comes. All
are measured in turn, three times, and medians are compared. ONNX Runtime has no MSE; its MinMax stands beside ours.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.timing import machine, row
from recipebuild.recipe.load import load
from recipebuild.recipe.schema import Recipe
from recipebuild.toolkit.calibration.spec import ImageSpec

ROUNDS = 3
THEIRS = {"MinMax": "MinMax", "Percentile": "Percentile", "KL": "Entropy", "MSE": "MinMax"}


def main() -> None:
    method, name = (*sys.argv[1:], *("MinMax", "quickstart")[len(sys.argv) - 1 :])
    recipe = shipped(name)
    rounds = ROUNDS if name == "quickstart" else 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        command = [sys.executable, "-m", "recipebuild", "run", name, "--until", "verify", "--build-dir", place]
        command += [] if name == "quickstart" else ["--weights", "random"]
        subprocess.run(command, check=True, capture_output=True)
        measured: dict[str, list[tuple[float, ...]]] = {"float": [], "onnxruntime": [], "recipebuild": []}
        for _ in range(rounds):
            for which, runs in measured.items():
                runs.append(one(which, method, name, folder))
        seconds = {which: statistics.median(took for took, _, _ in runs) for which, runs in measured.items()}
        busy = {which: statistics.median(cpu for _, cpu, _ in runs) for which, runs in measured.items()}
        memory = {which: max(peak for _, _, peak in runs) for which, runs in measured.items()}
        accuracy = miou(folder, recipe) if name == "quickstart" else {}
        figures: dict[str, results.Figure] = {}
        assert recipe.input is not None
        size = "x".join(map(str, recipe.input.shape))
        print(f"quantization of {name}, {size}, 32 images, {method}, medians of {rounds}; {machine()}")
        for which, label in (
            ("float", "32 plain float runs"),
            ("onnxruntime", f"quantize_static, {THEIRS[method]}"),
            ("recipebuild", f"recipebuild, {method}"),
        ):
            more = f"{busy[which]:7.1f} s of processor  {memory[which]:6.0f} MB" + (
                f"  mIoU {accuracy[which]:.4f}" if accuracy else ""
            )
            row(label, seconds[which], seconds["float"], "the float runs", more)
            figures[label] = results.Figure(seconds[which], "s", seconds["float"], "the float runs")
            figures[f"{label}, memory"] = results.Figure(memory[which], "MB")
            if accuracy:
                figures[f"{label}, mIoU"] = results.Figure(accuracy[which], "of 1")
        print(
            f"  ours: {seconds['recipebuild'] / seconds['onnxruntime']:.2f} x the time and "
            f"{memory['recipebuild'] / memory['onnxruntime']:.2f} x the memory of quantize_static"
            + (f", mIoU {accuracy['recipebuild'] - accuracy['onnxruntime']:+.4f}" if accuracy else "")
        )
        results.append(f"quantize {name} {method}", figures)


def shipped(name: str) -> Recipe:
    (variant,) = load(name, cwd=Path.cwd())
    return variant.recipe


def one(which: str, method: str, name: str, folder: Path) -> tuple[float, ...]:
    """Seconds, seconds of processor and peak MB of a process that does one of the three."""
    command = [sys.executable, "-m", "benchmarks.quantize", "--do", which, method, name, str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(map(float, printed.split()[-3:]))


def do(which: str, method: str, name: str, folder: Path) -> None:
    """The work itself, in a fresh process."""
    image = shipped(name).input
    assert image is not None
    spec = ImageSpec(**image.model_dump(mode="json"))
    model, images = folder / name / "model.onnx", folder / name / "calibration.tar"
    work = {"float": run_float, "onnxruntime": quantize_static, "recipebuild": quantize}[which]
    (folder / which).mkdir(exist_ok=True)
    import onnx  # noqa: F401
    import onnxruntime.quantization  # noqa: F401

    began, before = time.perf_counter(), time.process_time()
    work(model, images, spec, method, folder / which)
    took, busy = time.perf_counter() - began, time.process_time() - before
    print(took, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def run_float(model: Path, images: Path, spec: ImageSpec, method: str, out: Path) -> None:
    import onnxruntime as ort

    from recipebuild.toolkit.quantize.dataset import CalibrationSet

    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    for batch in CalibrationSet(images, spec):
        session.run(None, {spec.name: batch})


def quantize_static(model: Path, images: Path, spec: ImageSpec, method: str, out: Path) -> None:
    from onnxruntime import quantization as ort

    from recipebuild.toolkit.quantize.dataset import CalibrationSet

    class Reader(ort.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches: Iterator[Any] = iter(CalibrationSet(images, spec))

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {spec.name: batch}

    ort.quantize_static(
        model, out / "quantized.onnx", Reader(), quant_format=ort.QuantFormat.QDQ, per_channel=True,
        activation_type=ort.QuantType.QUInt8, weight_type=ort.QuantType.QInt8,
        calibrate_method=getattr(ort.CalibrationMethod, THEIRS[method]),
    )  # fmt: skip


def quantize(model: Path, images: Path, spec: ImageSpec, method: str, out: Path) -> None:
    from recipebuild.steps import compile_onnxruntime as step

    params = step.Params.model_validate({"input": spec, "method": method})
    step.run({"model": model, "calibration": images}, params, out, lambda _fraction, _text="": None)


def miou(folder: Path, recipe: Recipe) -> dict[str, float]:
    """Of the three models, on the recipe's dataset."""
    from recipebuild.steps import answers, evaluate

    assert recipe.evaluate is not None and recipe.input is not None
    spec = ImageSpec(**recipe.input.model_dump(mode="json"))
    dataset = Path(recipe.evaluate.dataset)
    models = {"float": folder / "quickstart" / "model.onnx"}
    models |= {which: folder / which / "quantized.onnx" for which in ("onnxruntime", "recipebuild")}
    kept = {}
    for which, model in models.items():
        (out := folder / f"answers-{which}").mkdir()
        answers.run({"model": model, "dataset": dataset}, answers.Params(input=spec), out, _silent)
        kept[which] = out / "answers.tar"
    miou_of = {}
    for which in ("onnxruntime", "recipebuild"):
        inputs = {"model": models["float"], "float": kept["float"], "quantized": kept[which], "dataset": dataset}
        figures = evaluate.run(inputs, evaluate.Params(), folder, _silent)
        miou_of["float"], miou_of[which] = figures["miou_float"], figures["miou_quantized"]
    return miou_of


def _silent(fraction: float, text: str = "") -> None: ...


if __name__ == "__main__":
    if sys.argv[1:2] == ["--do"]:
        which, method, name, folder = sys.argv[2:]
        do(which, method, name, Path(folder))
    else:
        main()
