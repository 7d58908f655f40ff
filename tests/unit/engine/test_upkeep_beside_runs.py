"""Collecting and verifying while others build and use what they find: real processes, all at once."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.engine.digest import digest_json
from recipebuild.engine.materialize import materialize
from recipebuild.engine.record import Record
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Step
from recipebuild.engine.store import Store
from recipebuild.engine.upkeep import collect, usage, verify

pytestmark = pytest.mark.usefixtures("toys")

NAMES = "abcdefgh"


def publish(store: Store, name: str) -> Record:
    """A result that takes no time; every other one has the same blobs as its neighbour."""
    folder = store.workspaces.new()
    (folder / "out").mkdir()
    (folder / "out" / "text").write_text(name * 100)
    (folder / "out" / "shared").write_text(str(ord(name) // 2) * 1000)
    (folder / "log").write_text("log")
    facts = {"metrics": {}, "seconds": 0.0, "label": f"r/{name}"}
    return store.publish(digest_json({"code": name}), {"code": name}, folder / "out", folder / "log", **facts)


def use_and_build(root: Path, build: Path) -> None:
    """A run: some is found, the rest is built, all of it goes into the build folder."""
    store = Store(root)
    store.hold()
    names = random.sample(NAMES, 4)
    records = [store.find(digest_json({"code": name})) or publish(store, name) for name in names]
    time.sleep(random.random() / 50)
    for record in records:
        for blob in (*record.outputs, record.log):
            materialize(store, blob, str(build / record.key / blob.name))
    assert all(store.find(record.key) for record in records), "what a run has found stays while it runs"
    store.close()
    shutil.rmtree(build)


def run_toys(root: Path, build: Path) -> None:
    """The same with steps in worker processes, which read each other's outputs from the store."""
    store = Store(root)
    store.hold()
    steps = []
    for name in random.sample(NAMES, 2):
        steps.append(Step(f"r/{name}1", "one", "toys.join", {"text": name}))
        steps.append(Step(f"r/{name}2", "two", "toys.join", {"text": name}, {"before": Output(f"r/{name}1", "text")}))
    for name, result in run_steps(steps, store, jobs=2).items():
        assert result.record, f"{name} {result.status}: {result.error}"
        for blob in result.record.outputs:
            materialize(store, blob, str(build / result.record.key / blob.name))
    store.close()


def make_room(root: Path, build: Path) -> None:
    collect(Store(root), max_bytes=random.choice([0, 2000]))
    usage(Store(root))


def look_through(root: Path, build: Path) -> None:
    verdict = verify(Store(root))
    assert not verdict.damaged and not verdict.incomplete, verdict


def again_and_again(act: Callable[[Path, Path], None], folder: Path, until: float) -> None:
    """Act until the time is over, once at least, and leave a file that says how often, or what went wrong."""
    build, count = folder / f"build-{os.getpid()}", 0
    trouble = ""
    try:
        while not count or time.monotonic() < until:
            act(folder / "store", build)
            count += 1
    except BaseException:
        trouble = traceback.format_exc()
    (folder / f"{act.__name__}-{os.getpid()}.said").write_text(trouble or f"{count}")


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_nothing_that_a_run_uses_is_lost_while_others_collect_and_verify(tmp_path: Path, seconds: int) -> None:
    (tmp_path / "store").mkdir()
    until = time.monotonic() + seconds
    acts = [use_and_build, use_and_build, use_and_build, run_toys, make_room, make_room, look_through]
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=again_and_again, args=(act, tmp_path, until)) for act in acts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    reports = {path.name: path.read_text() for path in tmp_path.glob("*.said")}
    assert len(reports) == len(acts)
    assert all(text.isdecimal() and text != "0" for text in reports.values()), "\n".join(reports.values())
    time.sleep(0.05)
    assert collect(Store(tmp_path / "store"), max_bytes=0).kept_bytes == 0, "nothing is held when all have ended"
    assert not list((tmp_path / "store").rglob("*.gone"))
