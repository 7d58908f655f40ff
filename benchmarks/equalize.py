"""What equalizing wins where a model is hard to quantize: mIoU in float, in 8 bits, and in 8 bits after it.

Run: ``make bench``, or ``python -m benchmarks.equalize``. The models are the quickstart's and two with the same float
function, planted by ``scripts/plant_outliers.py``. Each variant is built up to ``evaluate``: the same calibration
images and held-out scenes, every operator in 8 bits.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.timing import machine
from recipebuild.resources import shipped
from scripts.plant_outliers import plant

KINDS = ("quickstart", "channels", "both")


def main() -> None:
    figures: dict[str, results.Figure] = {}
    print(f"mIoU in %, all operators in 8 bits; {machine()}")
    print(f"  {'model':12} {'float':>7} {'8 bits':>7} {'equalized':>10} {'tensors':>8}")
    with tempfile.TemporaryDirectory() as name:
        for kind in KINDS:
            model = shipped("recipes") / "quickstart" / "model"
            if kind != "quickstart":
                plant(model, Path(name) / kind, kind)
                model = Path(name) / kind
            plain, equalized = (built(Path(name), kind, model, equalize=on) for on in (False, True))
            float_, before = (100 * plain["metrics"][f"miou_{which}"] for which in ("float", "quantized"))
            after = 100 * equalized["metrics"]["miou_quantized"]
            tensors = next(len(step["metrics"]["sites"]) for step in equalized["steps"] if step["name"] == "equalize")
            print(f"  {kind:12} {float_:7.2f} {before:7.2f} {after:10.2f} {tensors:8}")
            figures[f"{kind}, 8 bits"] = results.Figure(before, "% mIoU", float_, "float")
            figures[f"{kind}, equalized"] = results.Figure(after, "% mIoU", float_, "float")
    results.append("equalize", figures)


def built(place: Path, kind: str, model: Path, *, equalize: bool) -> dict[str, Any]:
    """The manifest of a model's build."""
    name = f"{kind}-{'equalized' if equalize else 'plain'}"
    section = "equalize: {}\n" if equalize else ""
    (place / f"{name}.yaml").write_text(f"extends: quickstart\nmodel: {{source: {model}}}\n{section}")
    command = [sys.executable, "-m", "recipebuild", "run", f"{name}.yaml", "--until", "evaluate", "--json", "-q"]
    done = subprocess.run([*command, "--store", "store"], cwd=place, check=True, capture_output=True, text=True)
    manifest: dict[str, Any] = json.loads(done.stdout)
    return manifest


if __name__ == "__main__":
    main()
