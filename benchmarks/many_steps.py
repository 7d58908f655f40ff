"""Cached runs of 1 to 625 recipes (10,000 steps) against other tools' chains of 1,000 steps: seconds, and a step's ms.

Run: ``make bench``, or ``python -m benchmarks.many_steps``. The recipes differ in name only, so that building them
once takes no longer than building one; what is measured is loading, planning, looking up and the build folders.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import chains, results
from benchmarks.timing import Command, machine, medians, peak_mb

ROUNDS = 5
SIZES = (1, 10, 100, 625)  # the last: 10,000 steps


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for n in range(max(SIZES)):
            (place / f"r{n}.yaml").write_text(f"extends: quickstart\nname: r{n}\n")
        commands: dict[str, tuple[Command, Path]] = {}
        steps: dict[str, int] = {}
        for size in SIZES:
            recipes = [f"r{n}.yaml" for n in range(size)]
            command = [sys.executable, "-m", "recipebuild", "run", "--store", "store", *recipes]
            subprocess.run(command, cwd=place, check=True, capture_output=True)
            manifest = json.loads((place / "build" / "r0" / "manifest.json").read_text())
            called = f"recipebuild, {size} recipes"
            commands[called], steps[called] = (command, place), size * len(manifest["steps"])
        for tool, prepare in (("doit", chains.doit), ("snakemake", chains.snakemake)):
            if chains.has(tool):
                called = f"{tool}, a chain"
                commands[called], steps[called] = (prepare(place / tool, 1000), place / tool), 1000
        if chains.has("dvc"):  # its first `repro` of 1,000 steps takes longer than anybody waits: only `status`
            chains.dvc(place / "dvc", 1000)
            called, status = "dvc status, a chain never built", f"{chains.TOOLS}/dvc status -q || true"
            commands[called], steps[called] = (["sh", "-c", status], place / "dvc"), 1000
        for arguments, folder in commands.values():
            subprocess.run(arguments, cwd=folder, check=True, capture_output=True)
        seconds = medians(commands, ROUNDS)
        print(f"nothing to do, medians of {ROUNDS}; {machine()}")
        figures: dict[str, results.Figure] = {}
        for name, took in seconds.items():
            each, memory = 1000 * took / steps[name], peak_mb(*commands[name])
            print(f"  {name:34} {steps[name]:6} steps {took:7.3f} s {each:7.3f} ms a step {memory:5.0f} MB")
            figures[name] = results.Figure(took, "s")
            figures[f"{name}, a step"] = results.Figure(each, "ms")
            figures[f"{name}, memory"] = results.Figure(memory, "MB")
        results.append("many_steps", figures)


if __name__ == "__main__":
    main()
