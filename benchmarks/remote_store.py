"""Fetching the quickstart's results from a remote store against building them.

Run: ``make bench``, or ``python -m benchmarks.remote_store``. The remote is an S3 server (moto) over loopback: what is
measured is our own cost and the protocol's, not a network's.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine, row, seconds
from tests.support.s3 import S3Server, environment, start_s3

ROUNDS = 3
BUILD, PUSH, FETCH, CACHED = "build", "build, pushed to S3", "fetched from S3", "all here, S3 named and not asked"


def main() -> None:
    server = start_s3()
    try:
        with tempfile.TemporaryDirectory() as place:
            times = measure(server, Path(place))
    finally:
        server.stop()
    print(f"quickstart, medians of {ROUNDS}; {machine()}")
    seconds = {name: statistics.median(them) for name, them in times.items()}
    for name, took in seconds.items():
        row(name, took, seconds[BUILD], "build")
    results.append("remote_store", results.seconds_of(seconds, BUILD))


def measure(server: S3Server, place: Path) -> dict[str, list[float]]:
    os.environ.update(environment(server.address), XDG_CACHE_HOME=str(place / "cache"))
    times: dict[str, list[float]] = {name: [] for name in (BUILD, PUSH, FETCH, CACHED)}
    for turn in range(ROUNDS):  # in turn, so that a slow moment of the machine hits all alike
        for name, took in times.items():
            if name != CACHED:
                for folder in ("cache", "build"):
                    shutil.rmtree(place / folder, ignore_errors=True)
            url = () if name == BUILD else ("--store", f"{server.url}/{turn}")
            took.append(seconds([sys.executable, "-m", "recipebuild", "run", "quickstart", *url], place))
    return times


if __name__ == "__main__":
    main()
