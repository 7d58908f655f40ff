"""Processor time of a first run of the quickstart, with an empty store, of this version and of others.

    git worktree add ../before v0.1
    python -m benchmarks.first_run [../before/.venv/bin/python ...]

Each interpreter has a version of recipebuild of its own. They take turns; what counts is what all processes of a run
take of the processor, which other work on the machine changes less than the time on the clock.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine, processor_seconds

ROUNDS = 3
RUN = ["-m", "recipebuild", "run", "quickstart", "--store", "store", "--build-dir", "build"]


def main() -> None:
    versions = {"this version": sys.executable} | {
        f"version {n}": str(Path(python).absolute()) for n, python in enumerate(sys.argv[1:], 1)
    }
    taken: dict[str, list[float]] = {name: [] for name in versions}
    for _ in range(ROUNDS):
        for name, python in versions.items():
            with tempfile.TemporaryDirectory() as place:
                taken[name].append(processor_seconds([python, *RUN], Path(place)))
    medians = {name: statistics.median(them) for name, them in taken.items()}
    print(f"first run of the quickstart, seconds of processor, medians of {ROUNDS}, in turn; {machine()}")
    for name, took in medians.items():
        print(f"  {name:16} {took:6.1f} s   this version takes {medians['this version'] / took:.2f} of it")
    results.append("first_run", results.seconds_of(medians, list(medians)[-1]))


if __name__ == "__main__":
    main()
