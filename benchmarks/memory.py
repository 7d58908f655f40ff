"""Peak memory of export, simplify and rewrite, of recipes whose weights can be drawn at random.

    python -m benchmarks.memory                         # all shipped recipes: hours, and a disk for the largest
    python -m benchmarks.memory b0-cityscapes vit-large

Each step runs in a worker of its own, as a run of the command starts it: what is measured is the resident memory of the
largest process, libraries and mapped files included. The bar is three times the weights and 1 GB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine, peak_mb
from recipebuild.recipe.load import load
from recipebuild.resources import shipped
from recipebuild.toolkit.models.families import config_for

STEPS = ("export", "simplify", "rewrite")


def main() -> None:
    print(f"peak resident memory of a step alone, MB; {machine()}")
    print(f"  {'recipe':36} {'weights':>8} " + " ".join(f"{step:>8}" for step in STEPS) + "   of the bar")
    figures: dict[str, results.Figure] = {}
    for name in sys.argv[1:] or drawable():
        with tempfile.TemporaryDirectory() as folder:
            weights, peaks = measure(name, Path(folder))
        bar = 3 * weights + 1000
        cells = " ".join(f"{peaks[step]:8.0f}" for step in STEPS)
        print(f"  {name:36} {weights:8.0f} {cells}   {max(peaks.values()) / bar:.2f}", flush=True)
        for step, peak in peaks.items():
            figures[f"{name}, {step}"] = results.Figure(peak, "MB", bar, "3 x weights + 1 GB")
    results.append("memory", figures)


def drawable() -> list[str]:
    """The shipped recipes whose architecture is known without a download."""
    names = sorted(path.stem for path in shipped("recipes").glob("*.yaml"))
    return [name for name in names if config_for(load(name, cwd=Path.cwd())[0].recipe.model.source) is not None]


def measure(name: str, folder: Path) -> tuple[float, dict[str, float]]:
    """The weights of a recipe's model, and the peak memory of each step, MB."""
    run = [sys.executable, "-m", "recipebuild", "run", name, "--weights", "random"]
    run += ["--build-dir", str(folder / "build"), "--store", str(folder / "store"), "--until"]
    subprocess.run([*run, "fetch"], check=True, capture_output=True)
    peaks = {step: peak_mb([*run, step], Path.cwd()) for step in STEPS}
    manifest = json.loads((folder / "build" / name / "manifest.json").read_text(encoding="utf-8"))
    exported = next(step["metrics"] for step in manifest["steps"] if step["name"] == "export")
    return 4 * exported["parameters"] / 1e6, peaks


if __name__ == "__main__":
    main()
