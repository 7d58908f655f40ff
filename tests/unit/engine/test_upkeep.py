from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.engine.roots import add_root
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.engine.upkeep import collect, usage, verify

pytestmark = pytest.mark.usefixtures("toys", "forked_workers")

HOUR = 3600


@pytest.fixture
def full_store(make_store: Callable[[], Store]) -> Store:
    """A store with the results of the steps a, b and c, last used 3, 2 and 1 hours ago, and nobody at work."""
    store = make_store()
    steps = [Step(f"r/{name}", name, "toys.join", {"text": name * 10_000}) for name in "abc"]
    results = run_steps(steps, store, jobs=1)
    store.close()
    for age, result in zip((3, 2, 1), results.values(), strict=True):
        assert result.record is not None
        moment = time.time() - age * HOUR
        os.utime(store.actions / f"{result.record.key}.json", (moment, moment))
    time.sleep(0.05)
    return make_store()


def steps_in(store: Store) -> set[str]:
    return {record.label.removeprefix("r/") for record in store.records()}


def key_of(store: Store, name: str) -> str:
    return next(record.key for record in store.records() if record.label == f"r/{name}")


def test_a_healthy_store_verifies(full_store: Store) -> None:
    damage = verify(full_store)
    assert not damage.damaged and not damage.incomplete
    assert damage.blobs == len(list(full_store.blobs.iterdir()))


def test_every_flipped_bit_is_found_even_behind_an_unbroken_seal(full_store: Store) -> None:
    for blob in full_store.blobs.iterdir():
        state, content = blob.stat(), blob.read_bytes()
        blob.chmod(0o644)
        blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        blob.chmod(state.st_mode)
        os.utime(blob, ns=(state.st_atime_ns, state.st_mtime_ns))
    blobs = {blob.name for blob in full_store.blobs.iterdir()}
    damage = verify(full_store)
    assert set(damage.damaged) == blobs
    assert len(damage.incomplete) == 3
    assert all(full_store.find(key) is None for key in damage.incomplete), "what is damaged must be built again"


def test_a_record_that_cannot_be_read_is_told(full_store: Store) -> None:
    path = full_store.actions / f"{key_of(full_store, 'a')}.json"
    path.write_text("{")
    assert verify(full_store).incomplete == [path.stem]


def test_usage_counts_shared_blobs_once(full_store: Store) -> None:
    used = usage(full_store)
    assert used.records == 3
    assert used.bytes == sum(blob.stat().st_size for blob in full_store.blobs.iterdir())
    assert set(used.by_step) == set("abc") and set(used.by_recipe) == {"r"}
    assert used.by_recipe["r"] == used.bytes < sum(used.by_step.values())


def test_what_was_not_used_for_long_goes(full_store: Store) -> None:
    before = usage(full_store).bytes
    freed = collect(full_store, older_than=1.5 * HOUR)
    assert steps_in(full_store) == {"c"}
    assert freed.records == 2 and freed.bytes + freed.kept_bytes == before
    assert usage(full_store).bytes == freed.kept_bytes
    assert not verify(full_store).incomplete


def test_what_was_used_least_recently_goes_first(full_store: Store) -> None:
    collect(full_store, max_bytes=usage(full_store).bytes - 1)
    assert steps_in(full_store) == {"b", "c"}
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == set()
    assert not list(full_store.blobs.iterdir())


def test_without_limits_nothing_that_a_record_names_goes(full_store: Store) -> None:
    orphan = full_store.blobs / ("0" * 64)
    orphan.write_text("nobody's")
    time.sleep(0.05)
    freed = collect(full_store)
    assert steps_in(full_store) == {"a", "b", "c"}
    assert (freed.records, freed.blobs) == (0, 1) and not orphan.exists()


def test_what_a_build_folder_needs_stays_until_the_folder_goes(full_store: Store, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"steps": [{"key": key_of(full_store, "a")}, {"key": None}]}))
    add_root(full_store, manifest, [key_of(full_store, "a")])
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == {"a"}
    assert not verify(full_store).incomplete
    manifest.unlink()
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == set()


def test_what_was_used_since_a_running_build_began_stays(full_store: Store, make_store: Callable[[], Store]) -> None:
    running = make_store()
    _ = running.workspaces
    record = full_store.find(key_of(full_store, "a"))
    assert record is not None
    time.sleep(0.05)
    full_store.used(record)
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == {"a"}
    running.close()


def test_a_cached_run_that_is_at_work_keeps_what_it_finds(full_store: Store, make_store: Callable[[], Store]) -> None:
    running = make_store()
    running.hold()
    assert running.find(key_of(full_store, "a"))
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == {"a"} and not verify(full_store).incomplete
    running.close()
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == set()


def test_holding_a_store_that_nobody_has_written_writes_nothing(make_store: Callable[[], Store]) -> None:
    store = make_store()
    store.hold()
    store.close()
    assert not store.root.exists()


def test_what_a_killed_collector_put_aside_comes_back(full_store: Store) -> None:
    key = key_of(full_store, "a")
    record = full_store.find(key)
    assert record is not None
    path, blob = full_store.actions / f"{key}.json", full_store.path(record.outputs[0])
    path.rename(path.with_suffix(".gone"))
    blob.rename(blob.with_suffix(".gone"))
    assert not verify(full_store).damaged and full_store.find(key) is None
    collect(full_store)
    assert full_store.find(key) == record and not list(full_store.root.rglob("*.gone"))


def test_a_collector_leaves_nothing_of_itself(full_store: Store) -> None:
    collect(full_store)
    assert not list((full_store.root / "tmp").iterdir()) and not list((full_store.root / "locks").iterdir())


def test_an_empty_place_is_not_made_a_store_by_collecting(tmp_path: Path) -> None:
    assert collect(Store(tmp_path / "none"), max_bytes=0).bytes == 0
    assert not (tmp_path / "none").exists()


def test_a_blob_that_is_claimed_again_stays(full_store: Store, make_store: Callable[[], Store]) -> None:
    record = full_store.find(key_of(full_store, "a"))
    assert record is not None
    running = make_store()
    _ = running.workspaces
    (full_store.actions / f"{record.key}.json").unlink()
    assert all(running.claim(blob) for blob in record.outputs)
    collect(full_store, max_bytes=0)
    assert all(running.holds(blob) for blob in record.outputs)
    running.close()


@pytest.mark.parametrize(("days", "kept"), [(1, {"a"}), (40, set())])
def test_a_build_folder_on_another_machine_counts_for_a_month(full_store: Store, days: int, kept: set[str]) -> None:
    add_root(full_store, Path("/elsewhere/manifest.json"), [key_of(full_store, "a")])
    (note,) = (full_store.root / "roots").iterdir()
    note.write_text(note.read_text().replace(f'"host":"{os.uname().nodename}"', '"host":"another"'))
    moment = time.time() - days * 24 * HOUR
    os.utime(note, (moment, moment))
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == kept and note.exists() == bool(kept)


def test_a_note_on_a_build_folder_of_version_0_1_is_understood(full_store: Store, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"steps": [{"key": key_of(full_store, "a")}]}))
    (full_store.root / "roots").mkdir(exist_ok=True)
    (full_store.root / "roots" / "0123456789abcdef").write_text(str(manifest))
    collect(full_store, max_bytes=0)
    assert steps_in(full_store) == {"a"}
