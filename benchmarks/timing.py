"""Timing commands as whole processes: in turn, so that a slow moment of the machine hits all alike; medians."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

Command = Sequence[str]


def medians(commands: Mapping[str, tuple[Command, Path]], rounds: int) -> dict[str, float]:
    """Seconds of each command (run in its folder), the median of ``rounds``.

    Raises:
        CalledProcessError: If one fails.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, folder) in commands.items():
            times[name].append(seconds(command, folder))
    return {name: statistics.median(taken) for name, taken in times.items()}


def seconds(command: Command, folder: Path) -> float:
    """How long one run of the command takes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def processor_seconds(command: Command, folder: Path) -> float:
    """What one run of the command and all that it starts takes of the processor; other work hardly changes that."""
    before = os.times()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def peak_mb(command: Command, folder: Path) -> float:
    """Peak memory of the largest process of one run, MB: measured by a child that has run nothing else."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        os.write(writer, str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode())
        os._exit(0)
    os.close(writer)  # else the end of a child that failed is waited for without end
    os.waitpid(child, 0)
    return int(os.read(reader, 100)) * 1024 / 1e6


def row(name: str, took: float, base: float, of: str, more: str = "") -> None:
    """Print a figure beside the one that it is measured against."""
    print(f"  {name:44} {took:8.3f} s  {took / base:6.2f} x {of}  {more}".rstrip())


def machine() -> str:
    """What this was measured on."""
    return f"{len(os.sched_getaffinity(0))} cores of {cpu_name()}, Python {platform.python_version()}, Linux"


def cpu_name() -> str:
    """What the processor calls itself."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return next((line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")), "unknown")
