"""A cold run of b0 with random weights, through head, against scripts that make the same library calls.

Run: ``make bench``, or ``python -m benchmarks.cold_run``. One bare script does export, onnxsim and ArgMax in one
process; four scripts (calibration, too) run one after the other, the way it is done by hand. Seconds are those of the
processor.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from benchmarks.timing import Command, machine, processor_seconds, row

ROUNDS = 3
HAND = [sys.executable, "-m", "benchmarks.by_hand"]
OURS = (
    f"{sys.executable} -m recipebuild run b0-cityscapes --weights random --set rewrite.enabled=false "
    "--store store --until"
)
WAYS: dict[str, list[Command]] = {
    "one script: export, onnxsim, ArgMax": [[*HAND, "export", "simplify", "head"]],
    "recipebuild, through head": [[*OURS.split(), "head"]],
    "four scripts, with calibration": [[*HAND, name] for name in ("export", "simplify", "head", "calibrate")],
    "recipebuild, through head and calibrate": [[*OURS.split(), "head"], [*OURS.split(), "calibrate"]],
}


def main() -> None:
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, commands in WAYS.items():
            with tempfile.TemporaryDirectory() as place:
                times[name].append(sum(processor_seconds(command, Path(place)) for command in commands))
    seconds = {name: statistics.median(them) for name, them in times.items()}
    print(f"cold, processor time, medians of {ROUNDS}; {machine()}")
    names = list(seconds)
    figures: dict[str, results.Figure] = {}
    for theirs, ours in (names[:2], names[2:]):
        row(theirs, seconds[theirs], seconds[theirs], "itself")
        row(ours, seconds[ours], seconds[theirs], theirs)
        figures |= results.seconds_of({theirs: seconds[theirs], ours: seconds[ours]}, theirs)
    results.append("cold_run", figures)


if __name__ == "__main__":
    main()
