"""A store that two users share: real users, each in a process of its own."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recipebuild.engine.claims import Claims, TakenError
from recipebuild.engine.executor import Files, Order, lay_out
from recipebuild.engine.locks import acquire
from recipebuild.engine.materialize import materialize
from recipebuild.engine.record import Record
from recipebuild.engine.roots import add_root
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.engine.upkeep import collect, verify
from recipebuild.errors import RecipeError

ANNA, BEN, TEAM = 54_321, 54_322, 54_320
KEY = {name: name * 64 for name in "abc"}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")


def as_user(user: int, act: Callable[[], Any], umask: int = 0o022) -> Any:
    """What ``act`` gives in a process of ``user``, who is in the group of both."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([TEAM])
        os.setgid(user)
        os.setuid(user)
        os.umask(umask)
        try:
            answer: tuple[str, Any] = ("value", act())
        except BaseException:
            answer = ("trouble", traceback.format_exc())
        with os.fdopen(writer, "wb") as file:
            pickle.dump(answer, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        kind, value = pickle.load(file)
    os.waitpid(child, 0)
    assert kind == "value", value
    return value


@pytest.fixture(params=[0o2775, 0o777, 0o1777], ids=["setgid", "world", "sticky"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder in which both may write; pytest's own cannot be entered by other users."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "store").mkdir()
    os.chown(folder / "store", 0, TEAM)
    (folder / "store").chmod(request.param)
    for name, user in (("anna", ANNA), ("ben", BEN)):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, user, user)
    yield folder
    shutil.rmtree(folder)


def build(place: Path, name: str, text: str, before: str = "") -> Record:
    """Build a step as a run does: claim its key, lay out what it reads, publish what it wrote."""
    store = Store(place / "store")
    store.hold()
    folder = store.workspaces.new()
    claim = Claims(store.root / "locks", {}).take(KEY[name], ["pulsar2"])
    inputs = {}
    if before:
        record = store.find(KEY[before])
        assert record is not None
        inputs = {"source": Files("text", tuple(record.outputs))}
    order = Order(Step(f"r/{name}", name, "toys.join", {}), KEY[name], {"step": name}, inputs, folder)
    lay_out(order, store)
    assert not before or (folder / "in" / "source" / "text").read_text()
    (folder / "out" / "text").write_text(text)
    (folder / "log").touch()
    facts = {"metrics": {}, "seconds": 2.0, "label": f"r/{name}"}
    record = store.publish(KEY[name], {"step": name, "code": ""}, folder / "out", folder / "log", **facts)
    claim.release()
    store.close()
    return record


def use(place: Path, name: str, home: str) -> str:
    """Find a step, as a run does for which all is cached, and give what is then in the build folder."""
    store = Store(place / "store")
    store.hold()
    record = store.find(KEY[name])
    assert record is not None
    target = place / home / "build" / "text"
    materialize(store, record.outputs[0], str(target))
    add_root(store, target.with_name("manifest.json"), [record.key])
    target.with_name("manifest.json").write_text(json.dumps({"steps": [{"key": record.key}]}))
    store.close()
    return target.read_text()


@needs_root
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_two_users_build_on_what_the_other_built(place: Path, umask: int) -> None:
    as_user(ANNA, lambda: build(place, "a", "anna's"), umask)
    assert as_user(BEN, lambda: use(place, "a", "ben"), umask) == "anna's"
    as_user(BEN, lambda: build(place, "b", "anna's", before="a"), umask)  # a blob that is there and is anna's
    assert as_user(ANNA, lambda: use(place, "b", "anna"), umask) == "anna's"
    as_user(ANNA, lambda: build(place, "c", "more", before="b"), umask)
    assert as_user(BEN, lambda: use(place, "c", "ben"), umask) == "more"
    verdict = as_user(BEN, lambda: verify(Store(place / "store")))
    assert not verdict.damaged and not verdict.incomplete and verdict.blobs


@needs_root
def test_one_user_collects_what_another_built_but_not_what_that_one_needs(place: Path) -> None:
    sticky = bool((place / "store").stat().st_mode & 0o1000)
    as_user(ANNA, lambda: build(place, "a", "needed"))
    as_user(ANNA, lambda: use(place, "a", "anna"))
    as_user(ANNA, lambda: build(place, "b", "old"))
    time.sleep(0.05)
    freed = as_user(BEN, lambda: collect(Store(place / "store"), max_bytes=0))
    assert (freed.records, freed.refused) == ((0, 1) if sticky else (1, 0))
    store = Store(place / "store")
    assert store.find(KEY["a"]), "anna's manifest cannot be read by ben, but needs this"
    assert (store.find(KEY["b"]) is not None) == sticky


@needs_root
def test_a_lock_holds_between_users_and_one_that_a_crash_left_is_taken(place: Path) -> None:
    as_user(ANNA, lambda: build(place, "a", "x"))
    lock = place / "store" / "locks" / KEY["b"]

    def crash() -> None:
        assert acquire(lock) is not None

    def take() -> bool:
        try:
            Claims(lock.parent, {}).take(KEY["b"], [])
        except TakenError:
            return False
        return True

    as_user(ANNA, crash, 0o077)
    assert lock.exists() and as_user(BEN, take)
    lock.unlink(missing_ok=True)

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(ANNA)
        acquire(lock)
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    try:
        assert not as_user(BEN, take)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert as_user(BEN, take)


@needs_root
def test_a_lock_that_cannot_be_opened_is_an_error_with_the_way_out(place: Path) -> None:
    as_user(ANNA, lambda: build(place, "a", "x"))
    lock = place / "store" / "locks" / KEY["b"]
    lock.touch(0o600)

    def take() -> str:
        try:
            Claims(lock.parent, {}).take(KEY["b"], [])
        except RecipeError as error:
            return f"{error.message}; {error.remedy}"
        return ""

    message = as_user(BEN, take)
    assert "Permission denied" in message and "--store" in message


@needs_root
def test_who_may_only_read_a_store_uses_what_is_there_and_is_told_that_nothing_can_be_built(place: Path) -> None:
    store = place / "store"
    os.chown(store, ANNA, ANNA)
    store.chmod(0o755)
    as_user(ANNA, lambda: build(place, "a", "anna's"))
    assert as_user(BEN, lambda: use(place, "a", "ben")) == "anna's"

    def try_to_build() -> str:
        try:
            build(place, "b", "ben's")
        except RecipeError as error:
            return f"{error.message}; {error.remedy}"
        return ""

    assert f"{store} cannot be written" in as_user(BEN, try_to_build)


def test_what_is_in_a_store_is_as_open_as_its_folder_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o770)
    before = os.umask(0o077)
    try:
        record = build(tmp_path, "a", "x")
        add_root(Store(tmp_path / "store"), tmp_path / "manifest.json", [record.key])
    finally:
        os.umask(before)
    modes = {path.relative_to(tmp_path): oct(path.stat().st_mode & 0o777) for path in (tmp_path / "store").rglob("*")}
    blobs = {oct(0o444)}
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_dir()} == {oct(0o770)}
    assert {m for p, m in modes.items() if (tmp_path / p).is_file()} == {oct(0o660)} | blobs
