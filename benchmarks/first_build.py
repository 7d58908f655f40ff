"""The first build of 1,000 trivial steps, two at a time: ours against make, Snakemake and DVC.

Run: ``make bench``, or ``python -m benchmarks.first_build``. Each step runs ``cp`` on a file of its own; Snakemake and
DVC have chains, and DVC only 50 steps, as its time grows with the square of their number.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from benchmarks import chains, results
from benchmarks.timing import machine, row, seconds

ROUNDS = 5
STEPS = 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        times: dict[str, list[float]] = {"make -j2": [], "recipebuild": []}
        for _ in range(ROUNDS):
            for folder in (place / "make", place / "ours"):
                shutil.rmtree(folder, ignore_errors=True)
            times["make -j2"].append(seconds(chains.make(place / "make", STEPS), place / "make"))
            ours = chains.ours(place / "ours", STEPS, independent=True)
            times["recipebuild"].append(seconds(ours, Path.cwd()))
        medians = {name: statistics.median(them) for name, them in times.items()}
        counts = dict.fromkeys(medians, STEPS)
        for tool, prepare, steps in (("snakemake -c2", chains.snakemake, STEPS), ("dvc repro", chains.dvc, 50)):
            if chains.has(tool.split()[0]):
                medians[tool], counts[tool] = seconds(prepare(place / tool, steps), place / tool), steps
        print(f"first build, medians of {ROUNDS} (Snakemake and DVC once); {machine()}")
        each = medians["make -j2"] / STEPS
        figures = {}
        for name, took in medians.items():
            row(f"{name}, {counts[name]} steps", took, each * counts[name], "make, per step")
            figures[f"{name}, {counts[name]} steps"] = results.Figure(took, "s", each * counts[name], "make, per step")
        results.append("first_build", figures)


if __name__ == "__main__":
    main()
