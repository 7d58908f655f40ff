"""An export, and what each part of it would take as torch has it: seconds of the processor, the same bytes.

    python -m benchmarks.export [RECIPE ...]     # b0-cityscapes and segformer-b2-ade-512x512, with random weights

All in one process, so that imports count for nothing; the first export of a model is not timed.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import results
from benchmarks.timing import machine
from recipebuild.recipe.load import load as load_recipe
from recipebuild.toolkit.models import export as exporting
from recipebuild.toolkit.models.families import config_for
from recipebuild.toolkit.models.load import load

ROUNDS = 3
RECIPES = ("b0-cityscapes", "segformer-b2-ade-512x512")
PARTS: Mapping[str, Callable[..., Any]] = {
    "decomposed_by_operator": nullcontext,
    "optimize": lambda program: program.optimize(),
    "unread_sources": nullcontext,
}
"""What we do our way, and what torch does in its place."""
TORCHS = "torch's"
WAYS = {
    "ours": (),
    "ours, decomposed by tracing again": ("decomposed_by_operator",),
    "ours, torch's optimizer": ("optimize",),
    "ours, sources read": ("unread_sources",),
    TORCHS: tuple(PARTS),
}


def main() -> None:
    print(f"export, seconds of processor, medians of {ROUNDS}, in turn; {machine()}")
    figures: dict[str, results.Figure] = {}
    for name in sys.argv[1:] or RECIPES:
        with tempfile.TemporaryDirectory() as folder:
            taken = measure(name, Path(folder))
        print(f"  {name}")
        for way, seconds in taken.items():
            print(f"    {way:36} {seconds:6.2f} s   {seconds / taken[TORCHS]:.2f} of torch's")
        ways = {f"{name}, {way}": seconds for way, seconds in taken.items()}
        figures |= results.seconds_of(ways, f"{name}, {TORCHS}")
    results.append("export", figures)


def measure(name: str, folder: Path) -> dict[str, float]:
    """Seconds of each way to export the recipe's model."""
    recipe = load_recipe(name, cwd=Path.cwd())[0].recipe
    assert recipe.input is not None and recipe.export.opset is not None
    (folder / "config.json").write_text(json.dumps(config_for(recipe.model.source)), encoding="utf-8")
    module = load(folder, task=str(recipe.model.task), weights="random", seed=0)
    target = folder / "export.onnx"
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    written = set()
    for number in range(ROUNDS + 1):
        for way, parts in WAYS.items():
            with as_torch_has(parts):
                began = time.process_time()
                exporting.export(
                    module, target, input_name="pixel_values", output_name="output",
                    shape=recipe.input.shape, opset=recipe.export.opset, exporter="dynamo",
                )  # fmt: skip
                if number:
                    taken[way].append(time.process_time() - began)
            written.add(target.read_bytes())
    assert len(written) == 1, "the ways write different files"
    return {way: statistics.median(seconds) for way, seconds in taken.items()}


@contextmanager
def as_torch_has(parts: tuple[str, ...]) -> Iterator[None]:
    """Do these parts of an export as torch does them meanwhile."""
    with ExitStack() as patched:
        for name in parts:
            patched.enter_context(mock.patch.object(exporting, name, PARTS[name]))
        yield


if __name__ == "__main__":
    main()
