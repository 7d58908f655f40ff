"""A run that has nothing to do, and --help, against a Python that does nothing: seconds (medians), ratios, peak memory.

Run: ``python benchmarks/cached_run.py``. Builds the quickstart first, in a store of its own.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        run = [sys.executable, "-m", "recipebuild", "run", "quickstart", "--store", "store", "--build-dir", "build"]
        subprocess.run(run, cwd=place, check=True, capture_output=True)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "recipebuild --help": [sys.executable, "-m", "recipebuild", "--help"],
            "recipebuild run, all cached": run,
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):  # in turn, so that a slow moment of the machine hits all alike
            for name, command in commands.items():
                times[name].append(seconds(command, Path(place)))
        base = statistics.median(times["python -c pass"])
        for name, found in times.items():
            middle = statistics.median(found)
            print(
                f"{name:30} {middle:6.3f} s  {middle / base:5.1f} x python  {peak(commands[name], Path(place)):6.1f} MB"
            )


def seconds(command: list[str], place: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    return time.perf_counter() - began


def peak(command: list[str], place: Path) -> float:
    """Peak memory of the command, MB: measured by a child that has run nothing else."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        subprocess.run(command, cwd=place, check=True, capture_output=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(writer, str(used).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(reader, 100)) * 1024 / 1e6


if __name__ == "__main__":
    main()
