"""Hashing a 4 GB input for a step's key against sha256sum; and again, when it is known already.

Run: ``make bench``, or ``python -m benchmarks.hashing [FOLDER]`` (the file is made there; by default in /tmp).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import results
from benchmarks.timing import machine, row, seconds
from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache

ROUNDS = 3
BYTES = 4_000_000_000


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        place = Path(name)
        file = place / "big"
        with file.open("wb") as out:
            block = bytes(range(256)) * 4096
            for _ in range(BYTES // len(block)):
                out.write(block)
        theirs: list[float] = []
        first: list[float] = []
        again: list[float] = []
        for n in range(ROUNDS):
            theirs.append(seconds(["sha256sum", str(file)], place))
            for times in (first, again):
                stats = StatCache(place / f"stat{n}.sqlite")
                began = time.perf_counter()
                digest_source(file, stats)
                times.append(time.perf_counter() - began)
                stats.flush()
        base = statistics.median(theirs)
        print(f"hashing {file.stat().st_size / 1e9:.1f} GB, medians of {ROUNDS}; {machine()}")
        figures = {
            "sha256sum": base,
            "a source's digest, the first time": statistics.median(first),
            "the second time": statistics.median(again),
        }
        for name, took in figures.items():
            row(name, took, base, "sha256sum")
        results.append("hashing", results.seconds_of(figures, "sha256sum"))


if __name__ == "__main__":
    main()
