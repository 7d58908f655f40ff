"""Measuring accuracy: processor time of evaluate, ladder and preview against running both models over the images once.

    python -m benchmarks.evidence FOLDER        # all images
    python -m benchmarks.evidence FOLDER 8      # the first eight
    python -m benchmarks.evidence FOLDER 64 1   # one round, not three

The folder has a SegFormer-B0 in ``model/``, ``calibration/`` and labelled images in ``heldout/``. What comes before is
built once; each round starts from a copy of that store, and goes through the three steps with all that they need. The
bare loop is a process that decodes each image, prepares it, and runs the ONNX and the quantized model on it, as ONNX
Runtime runs them by itself. Imports are counted on both sides. Medians of the rounds.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from benchmarks.timing import Command, machine, row

ROUNDS = 3
STEPS = ("ladder", "preview")
"""That of evaluate comes before the ladder."""

RECIPE = """
extends: {base}
name: streets
model: {{source: {folder}/model}}
input: {{shape: [1, 3, 640, 1280]}}
calibration: {{source: {folder}/calibration, count: 8}}
evaluate: {{dataset: {dataset}}}
target: {{toolchain: onnxruntime}}
"""

LOOP = """
import sys
from pathlib import Path
import onnxruntime
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.dataset import read_image, samples
from recipebuild.toolkit.evaluate.runners import batch
build, dataset, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")
spec = ImageSpec(shape=(1, 3, 640, 1280), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.add_session_config_entry("session.disable_quant_qdq", "1")  # computed as it is written
sessions = [onnxruntime.InferenceSession(build / name, options) for name in names]
for sample in samples(dataset):
    image = batch(read_image(sample), spec)
    for session in sessions:
        session.run(None, {spec.name: image})
"""


def main() -> None:
    folder, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[3]) if sys.argv[3:] else ROUNDS
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        dataset, count = few(folder / "heldout", work / "heldout", int(sys.argv[2]) if sys.argv[2:] else None)
        recipe = work / "streets.yaml"
        base = Path("recipes/base/segformer.yaml").resolve()
        recipe.write_text(RECIPE.format(base=base, folder=folder, dataset=dataset), encoding="utf-8")
        build = [sys.executable, "-m", "recipebuild", "run", str(recipe), "--build-dir", str(work / "build")]
        busy([*build, "--store", str(work / "built"), "--until", "compile"])
        times: dict[str, list[float]] = {"float": [], "quantized": [], "loop": [], "measuring": []}
        for _ in range(rounds):
            for name, models in (("float", ["model"]), ("quantized", ["quantized"]), ("loop", ["model", "quantized"])):
                files = ",".join(f"{model}.onnx" for model in models)
                times[name].append(
                    busy([sys.executable, "-c", LOOP, str(work / "build" / "streets"), str(dataset), files])
                )
            shutil.copytree(work / "built", work / "store", symlinks=True)
            times["measuring"].append(
                sum(busy([*build, "--store", str(work / "store"), "--until", step]) for step in STEPS)
            )
            shutil.rmtree(work / "store")
    report({name: statistics.median(seconds) for name, seconds in times.items()}, count, rounds)


def report(seconds: dict[str, float], count: int, rounds: int) -> None:
    """Print the medians, and keep them."""
    print(f"a SegFormer-B0 at 640x1280, {count} images, seconds of processor, medians of {rounds}; {machine()}")
    bases = {"float": ("float", "float"), "quantized": ("float", "float"), "loop": ("loop", "the loop")}
    figures = {}
    for name, took in seconds.items():
        base, of = bases.get(name, bases["loop"])
        row(NAMES[name], took, seconds[base], of, f"{took / count:.3f} s an image")
        figures[f"{NAMES[name]}, {count} images"] = results.Figure(took, "s", seconds[base], of)
    results.append("evidence", figures)


NAMES = {
    "float": "ONNX, bare loop",
    "quantized": "quantized, bare loop",
    "loop": "both, bare loop",
    "measuring": "evaluate, ladder and preview",
}


def few(dataset: Path, into: Path, count: int | None) -> tuple[Path, int]:
    """The dataset, or the first ``count`` of its images in a folder of their own; and how many there are."""
    images = sorted((dataset / "images").iterdir())
    if count is None:
        return dataset, len(images)
    for image in images[:count]:
        for part, file in (("images", image.name), ("labels", f"{image.stem}.png")):
            (into / part).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dataset / part / file, into / part / file)
    return into, min(count, len(images))


def busy(command: Command) -> float:
    """Processor time of a command and all that it starts, seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
