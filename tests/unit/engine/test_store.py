from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipebuild.engine.materialize import materialize
from recipebuild.engine.record import Blob, Record
from recipebuild.engine.store import SEAL_NS, Store
from recipebuild.errors import RecipeError, StepError


def publish(store: Store, key: str = "k" * 64, text: str = "content") -> Record:
    record = take(store, key, text)
    store.commit(record)
    return record


def take(store: Store, key: str = "k" * 64, text: str = "content") -> Record:
    folder = store.workspaces.new()
    (folder / "out").mkdir()
    (folder / "out" / "model.onnx").write_text(text)
    (folder / "out" / "model.onnx.data").write_text("weights")
    (folder / "log").write_text("log")
    return store.take(key, {"step": "a"}, folder / "out", folder / "log", metrics={"n": 1}, seconds=1.5, label="r/a")


def test_what_is_published_is_found_by_another_process(make_store: Callable[[], Store]) -> None:
    record = publish(make_store())
    stored = make_store().find("k" * 64)
    assert stored == record
    assert [blob.name for blob in record.outputs] == ["model.onnx", "model.onnx.data"]
    assert make_store().path(record.outputs[0]).read_text() == "content"


def test_what_is_not_on_the_disk_yet_can_be_read_but_no_record_names_it(make_store: Callable[[], Store]) -> None:
    store = make_store()
    record = take(store)
    blob = store.path(record.outputs[0])
    assert blob.read_text() == "content"
    assert blob.stat().st_mtime_ns != SEAL_NS
    assert not list(store.actions.iterdir())
    store.commit(record)
    assert blob.stat().st_mtime_ns == SEAL_NS
    assert make_store().find(record.key) == record


def test_what_a_power_loss_left_of_a_blob_is_not_taken_for_it(make_store: Callable[[], Store]) -> None:
    store = make_store()
    blob = store.path(take(store).outputs[0])
    state = blob.stat()
    blob.chmod(0o644)
    blob.write_bytes(bytes(state.st_size))
    blob.chmod(0o444)
    os.utime(blob, ns=(state.st_atime_ns, state.st_mtime_ns))
    publish(make_store())
    assert blob.read_text() == "content"


def test_a_blob_that_was_changed_before_it_was_on_the_disk_is_not_recorded(make_store: Callable[[], Store]) -> None:
    store = make_store()
    record = take(store)
    blob = store.path(record.outputs[0])
    blob.chmod(0o644)
    blob.write_text("CONTENT")
    with pytest.raises(StepError, match=r"model\.onnx was changed"):
        store.commit(record)
    assert not list(store.actions.iterdir())


def test_what_is_not_here_cannot_be_claimed(make_store: Callable[[], Store]) -> None:
    store = make_store()
    record = publish(store)
    blob = record.outputs[0]
    assert store.claim(blob)
    assert not store.claim(replace(blob, sha256="0" * 64))


def test_a_record_that_a_collector_takes_meanwhile_is_a_miss(
    make_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store()
    record = publish(store)
    holds = store.holds

    def collected(blob: Blob) -> bool:
        (store.actions / f"{record.key}.json").unlink(missing_ok=True)
        return holds(blob)

    monkeypatch.setattr(store, "holds", collected)
    assert store.find(record.key) is None


def test_opening_and_looking_up_write_nothing(make_store: Callable[[], Store]) -> None:
    store = make_store()
    assert store.find("a" * 64) is None
    store.close()
    assert not store.root.exists()


@pytest.mark.parametrize("damage", ["missing blob", "shorter blob", "flipped bit", "broken record", "other key"])
def test_damage_is_a_miss(make_store: Callable[[], Store], damage: str) -> None:
    store = make_store()
    record = publish(store)
    blob, action = store.path(record.outputs[0]), store.actions / f"{record.key}.json"
    blob.chmod(0o644)
    if damage == "missing blob":
        blob.unlink()
    elif damage == "shorter blob":
        blob.write_text("conten")
    elif damage == "flipped bit":
        blob.write_text("cOntent")
    elif damage == "broken record":
        action.write_text(action.read_text()[:-20])
    else:
        action.rename(store.actions / f"{'j' * 64}.json")
    assert make_store().find("k" * 64) is None
    assert make_store().find("j" * 64) is None


def test_a_healthy_blob_whose_seal_is_broken_is_sealed_again(make_store: Callable[[], Store]) -> None:
    store = make_store()
    blob = store.path(publish(store).outputs[0])
    blob.chmod(0o644)
    os.utime(blob)
    assert make_store().find("k" * 64) is not None
    assert blob.stat().st_mtime_ns == SEAL_NS
    assert not blob.stat().st_mode & 0o222


def test_a_name_selects_a_file_with_its_companions(make_store: Callable[[], Store]) -> None:
    record = publish(make_store())
    assert [blob.name for blob in record.select("model.onnx")] == ["model.onnx", "model.onnx.data"]
    assert record.digest("model.onnx") != record.outputs[0].sha256
    assert record.digest("model.onnx.data") == record.outputs[1].sha256
    with pytest.raises(StepError, match=r"no output model\.on.*it wrote model\.onnx, model\.onnx\.data"):
        record.select("model.on")


def test_a_store_that_cannot_be_made_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecipeError) as caught:
        _ = Store(tmp_path / "file" / "store").workspaces
    assert "--store" in caught.value.remedy


def test_writing_to_the_build_folder_does_not_harm_the_store(make_store: Callable[[], Store], tmp_path: Path) -> None:
    store = make_store()
    blob = publish(store).outputs[0]
    path = tmp_path / "build" / "model.onnx"
    materialize(store, blob, str(path))
    try:
        path.write_text("scribble")
    except PermissionError:
        assert os.geteuid() != 0
    assert store.path(blob).read_text() == "content"
    materialize(store, blob, str(path))
    assert path.read_text() == "content"


def test_materializing_again_touches_nothing(make_store: Callable[[], Store], tmp_path: Path) -> None:
    store = make_store()
    blob = publish(store).outputs[0]
    path = tmp_path / "model.onnx"
    materialize(store, blob, str(path))
    before = path.stat()
    materialize(make_store(), blob, str(path))
    assert path.stat().st_ino == before.st_ino


def test_a_file_of_the_same_size_and_time_is_replaced(make_store: Callable[[], Store], tmp_path: Path) -> None:
    store = make_store()
    blob: Blob = publish(store).outputs[0]
    path = tmp_path / "model.onnx"
    path.write_text("CONTENT")
    os.utime(path, ns=(SEAL_NS, SEAL_NS))
    materialize(store, blob, str(path))
    assert path.read_text() == "content"
