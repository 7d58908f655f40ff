"""Run a plan of trivial steps with our engine, two at a time; the store is in the folder."""

from __future__ import annotations

import sys
from pathlib import Path

from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Source, Step
from recipebuild.engine.store import Store


def main() -> None:
    shape, count, place = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).absolute()
    steps = []
    for n in range(count):
        source = Source(place / "in" / str(n + 1)) if shape == "copies" else Source(place / "0.txt")
        input_ = source if shape == "copies" or not n else Output(f"toys/{n - 1}", "text")
        steps.append(Step(f"toys/{n}", "copy", "benchmarks.toys.copying", {"n": n}, {"source": input_}))
    store = Store(place / "store")
    results = run_steps(steps, store, jobs=2)
    store.close()
    assert all(result.record for result in results.values()), next(r.error for r in results.values() if r.error)


if __name__ == "__main__":
    main()
