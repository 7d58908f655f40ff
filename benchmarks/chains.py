"""Chains of trivial steps for other build tools: step n copies the file of step n-1."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.timing import Command

TOOLS = Path(__file__).resolve().parent.parent / ".venv-bench" / "bin"


def has(tool: str) -> bool:
    """Whether ``make bench`` has installed the tool."""
    return (TOOLS / tool).exists()


def doit(folder: Path, steps: int) -> Command:
    """Prepare a chain for doit; the command that brings it up to date."""
    text = f"""
def task_copy():
    for n in range({steps}):
        yield {{"name": str(n), "file_dep": [f"{{n}}.txt"], "targets": [f"{{n + 1}}.txt"],
               "actions": [f"cp {{n}}.txt {{n + 1}}.txt"]}}
"""
    return _prepare(folder, "dodo.py", text, [str(TOOLS / "doit")])


def snakemake(folder: Path, steps: int) -> Command:
    """Prepare chains of at most 100 steps for Snakemake; the command that brings them up to date, on two cores.

    It looks for a step's inputs by recursion, and gives up at some 500 steps in a row.
    """
    rules = [f"rule all:\n    input: {[f'{n}.txt' for n in range(1, steps + 1)]}\n"]
    rules += [
        f"rule r{n}:\n    input: '{n if n % 100 else 0}.txt'\n    output: '{n + 1}.txt'\n"
        f"    shell: 'cp {{input}} {{output}}'\n"
        for n in range(steps)
    ]
    return _prepare(folder, "Snakefile", "\n".join(rules), [str(TOOLS / "snakemake"), "-c2", "--quiet", "all"])


def dvc(folder: Path, steps: int) -> Command:
    """Prepare a chain for DVC, without git; the command that brings it up to date."""
    stages = [
        f"  s{n}:\n    cmd: cp {n}.txt {n + 1}.txt\n    deps: [{n}.txt]\n    outs: [{n + 1}.txt]\n"
        for n in range(steps)
    ]
    command = _prepare(folder, "dvc.yaml", "stages:\n" + "".join(stages), [str(TOOLS / "dvc"), "repro", "-q"])
    subprocess.run([str(TOOLS / "dvc"), "init", "--no-scm", "-q"], cwd=folder, check=True, capture_output=True)
    return command


def make(folder: Path, steps: int) -> Command:
    """Prepare independent copies for make; the command that makes them, two at a time."""
    text = f"N := $(shell seq 1 {steps})\nall: $(N:%=out/%)\nout/%: in/%\n\tcp $< $@\n"
    command = _prepare(folder, "Makefile", text, ["make", "-s", "-j2"])
    for name in ("in", "out"):
        (folder / name).mkdir()
    for n in range(1, steps + 1):
        (folder / "in" / str(n)).write_text(str(n))
    return command


def ours(folder: Path, steps: int, *, independent: bool = False) -> Command:
    """Prepare the same for our engine: a chain, or copies of files that are independent of each other."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0.txt").write_text("x")
    if independent:
        (folder / "in").mkdir()
        for n in range(1, steps + 1):
            (folder / "in" / str(n)).write_text(str(n))
    shape = "copies" if independent else "chain"
    return [sys.executable, "-m", "benchmarks.toys", shape, str(steps), str(folder)]


def _prepare(folder: Path, name: str, text: str, command: Command) -> Command:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    (folder / "0.txt").write_text("x")
    return command
