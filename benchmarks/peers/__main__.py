"""Post-training quantizers side by side: accuracy, and how much of the model each of them puts into 8 bits.

    python -m benchmarks.peers                     # all models
    python -m benchmarks.peers quickstart both     # some of quickstart, channels, both, massive-vit, small-depth

All get the same model.onnx and the same calibration images, and run on the same held-out images, with the ONNX Runtime
of this environment, computed as the models are written. Each quantizer has an environment of its own, which is made on
first use; where it cannot be installed, or fails on a model, its row says why. Settings are those that its makers have
for transformers, or their defaults (``SETTINGS``).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path

from benchmarks import results
from benchmarks.equalize import KINDS, unit_of
from benchmarks.peers.environments import python_of, version
from benchmarks.peers.models import DEPTH_KIND, VIT_KIND, Model, models
from benchmarks.peers.placement import Placement, placement
from benchmarks.timing import machine
from recipebuild.errors import RecipebuildError

QUANTIZERS = Path(__file__).with_name("quantizers")
SETTINGS = {
    "onnxruntime": ("MinMax",),
    "nncf": ("transformer",),
    "quark": ("A8W8", "A8W8+smooth"),
    "modelopt": ("entropy",),
}
"""By quantizer, see its file in ``quantizers/``."""


@dataclass(frozen=True)
class Row:
    """What became of a model.

    Attributes:
        name: The quantizer, its version and setting.
        accuracy: In the metric's unit; ``None`` if there is no model.
        placed: Where it put codes; ``None`` if there is no model.
        why: What went wrong, on one line.
    """

    name: str
    accuracy: float | None = None
    placed: Placement | None = None
    why: str = ""


def main() -> None:
    kinds = sys.argv[1:] or [*KINDS, VIT_KIND, DEPTH_KIND]
    print(machine())
    figures = {}
    with tempfile.TemporaryDirectory() as place:
        for model in models(Path(place), kinds):
            tensors, exact = placement(model.path).tensors, model.float_accuracy()
            unit = unit_of(model.metric)
            print(f"{model.kind}, {unit}, {tensors} tensors; float: {exact:#.4g}", flush=True)
            for row in chain(ours(model), theirs(model)):
                print(line(row), flush=True)
                if row.accuracy is not None and row.placed is not None:
                    name = f"{model.kind}, {row.name}"
                    figures[name] = results.Figure(row.accuracy, unit, exact, "float")
                    figures[f"{name}, tensors"] = results.Figure(row.placed.coded, "tensors", row.placed.tensors, "all")
    results.append("peers", figures)


def line(row: Row) -> str:
    """The row of the table; tensors with codes are of those of the quantizer's own graph, which may have more."""
    if row.accuracy is None or row.placed is None:
        return f"  {row.name:44} {row.why}"
    in_float = ", ".join(f"{count} {kind}" for kind, count in row.placed.in_float.most_common())
    return f"  {row.name:44} {row.accuracy:#8.4g} {row.placed.coded:5} of {row.placed.tensors:3}  {in_float}"


def ours(model: Model) -> Iterator[Row]:
    """What we make of it, plain and equalized."""
    for setting, folder in model.ours.items():
        yield measured(model, f"recipebuild, {setting}", folder / "quantized.onnx")


def theirs(model: Model) -> Iterator[Row]:
    """What the others make of it."""
    folder = model.path.parent / "peers"
    folder.mkdir()
    model.save_calibration(folder / "images.npy")
    for name, settings in SETTINGS.items():
        for setting in settings:
            own = name == "onnxruntime"
            row = f"{name} {metadata.version(name) if own else version(name)}, {setting}"
            target = folder / f"{name}-{setting}.onnx"
            try:
                python = sys.executable if own else python_of(name)
                command = [python, QUANTIZERS / f"by_{name}.py", setting, model.path, folder / "images.npy", target]
                subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
            except subprocess.CalledProcessError as error:
                yield Row(row, why=(error.stderr.strip().splitlines() or [str(error)])[-1])
                continue
            yield measured(model, row, target)


def measured(model: Model, name: str, quantized: Path) -> Row:
    """The row of a quantized model."""
    try:
        return Row(name, model.accuracy(quantized), placement(quantized))
    except RecipebuildError as error:
        return Row(name, why=str(error).splitlines()[0])


if __name__ == "__main__":
    main()
