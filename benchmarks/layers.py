"""The step layers on the quickstart: its memory on 2 and on 16 images, and its time against plain runs of both models.

Run: ``python -m benchmarks.layers``. Each line is a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine

STEP = """
import json, resource, sys, time
from pathlib import Path
from recipebuild.steps import layers
inputs = {name: Path(path) for name, path in json.loads(sys.argv[1]).items()}
params = layers.Params.model_validate(json.loads(sys.argv[2]))
began = time.perf_counter()
layers.run(inputs, params, Path(sys.argv[3]), lambda fraction, text="": None)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - began, peak]))
"""
PLAIN = """
import json, resource, sys, time
from pathlib import Path
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.runners import open_model
from recipebuild.toolkit.quantize.dataset import CalibrationSet
inputs, params = json.loads(sys.argv[1]), json.loads(sys.argv[2])
spec = ImageSpec.model_validate(params["input"])
began = time.perf_counter()
models = [open_model(Path(inputs[name])) for name in ("model", "quantized")]
for number, batch in enumerate(CalibrationSet(Path(inputs["calibration"]), spec)):
    if number < params["images"]:
        for model in models:
            model.session.run(None, {spec.name: batch})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - began, peak]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "recipebuild", "run", "quickstart", "--until", "compile", "--build-dir", name]
        subprocess.run(command, check=True, capture_output=True)
        build = Path(name) / "quickstart"
        inputs = {"model": "model.onnx", "quantized": "quantized.onnx", "calibration": "calibration.tar"}
        paths = json.dumps({key: str(build / file) for key, file in inputs.items()})
        spec = {"shape": [1, 3, 256, 512], "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
        print(f"layers and plain runs of the quickstart; {machine()}")
        figures = {}
        for images in (2, 16):
            params = json.dumps({"input": spec, "images": images})
            for what, program in (("layers", STEP), ("both models, plain", PLAIN)):
                done = subprocess.run(
                    [sys.executable, "-c", program, paths, params, name], check=True, capture_output=True, text=True
                )
                seconds, peak = json.loads(done.stdout)
                print(f"{what:20} {images:3} images {seconds:6.1f} s {peak:6.0f} MB")
                figures[f"{what}, {images} images"] = results.Figure(seconds, "s")
                figures[f"{what}, {images} images, memory"] = results.Figure(peak, "MB")
        results.append("layers", figures)


if __name__ == "__main__":
    main()
