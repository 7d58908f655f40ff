"""A run that has nothing to do, and --help, against a Python that does nothing and other tools' ten steps.

Run: ``make bench``, or ``python -m benchmarks.cached_run``. Builds the quickstart first, in a store of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import chains, results
from benchmarks.timing import Command, machine, medians, peak_mb, row

ROUNDS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        ours = [sys.executable, "-m", "recipebuild"]
        run = [*ours, "run", "quickstart", "--store", "store", "--build-dir", "build"]
        commands: dict[str, tuple[Command, Path]] = {
            "python -c pass": ([sys.executable, "-c", "pass"], place),
            "recipebuild --help": ([*ours, "--help"], place),
            "recipebuild run, all steps cached": (run, place),
        }
        for tool, prepare in (("doit", chains.doit), ("dvc", chains.dvc), ("snakemake", chains.snakemake)):
            if chains.has(tool):
                commands[f"{tool}, ten steps up to date"] = (prepare(place / tool, 10), place / tool)
        for command, folder in commands.values():
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        seconds = medians(commands, ROUNDS)
        print(f"nothing to do, medians of {ROUNDS}; {machine()}")
        memory = {name: peak_mb(*command) for name, command in commands.items()}
        for name, took in seconds.items():
            row(name, took, seconds["python -c pass"], "python", f"{memory[name]:5.0f} MB")
        figures = results.seconds_of(seconds, "python -c pass")
        figures |= {f"{name}, memory": results.Figure(peak, "MB") for name, peak in memory.items()}
        results.append("cached_run", figures)


if __name__ == "__main__":
    main()
