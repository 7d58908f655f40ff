"""Processor time of a first run of the quickstart, with an empty store, of this version and of others.

    git worktree add ../before v0.1
    python -m benchmarks.first_run [../before/.venv/bin/python ...]

Each interpreter has a version of recipebuild of its own. They take turns; what counts is what all processes of a run
take of the processor, which other work on the machine changes less than the time on the clock. The run is measured up
to `evaluate` and `ladder`, what tells how good the model is, and whole.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine, processor_seconds

ROUNDS = 3
RUN = ["-m", "recipebuild", "run", "quickstart", "--store", "store", "--build-dir", "build"]
WAYS = {
    "up to evaluate and ladder": [[*RUN, "--until", "evaluate"], [*RUN, "--until", "ladder"]],
    "whole": [RUN],
}


def main() -> None:
    versions = {"this version": sys.executable} | {f"version {n}": it for n, it in enumerate(sys.argv[1:], 1)}
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for way, commands in WAYS.items():
            for name, python in versions.items():
                with tempfile.TemporaryDirectory() as place:
                    seconds = [processor_seconds([python, *command], Path(place)) for command in commands]
                taken[way, name].append(sum(seconds))
    print(f"first run of the quickstart, seconds of processor, medians of {ROUNDS}, in turn; {machine()}")
    figures: dict[str, results.Figure] = {}
    for way in WAYS:
        medians = {f"{way}, {name}": statistics.median(taken[way, name]) for name in versions}
        ours, *others = medians
        for name, took in medians.items():
            print(f"  {name:44} {took:6.1f} s   this version takes {medians[ours] / took:.2f} of it")
        figures |= results.seconds_of(medians, [ours, *others][-1])
    results.append("first_run", figures)


if __name__ == "__main__":
    main()
