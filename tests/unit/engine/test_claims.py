"""Claims: a key and a slot of each resource, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.engine.claims import Claims, TakenError


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_key_is_claimed_once_until_it_is_given_back(tmp_path: Path) -> None:
    claims = Claims(tmp_path, {})
    claim = claims.take("key", ())
    with pytest.raises(TakenError) as taken:
        claims.take("key", ())
    assert taken.value.what == ""
    claims.take("other", ()).release()
    claim.release()
    assert names(tmp_path) == set()
    claims.take("key", ()).release()


def test_a_resource_has_one_slot_where_nothing_is_said(tmp_path: Path) -> None:
    claims = Claims(tmp_path, {"board": 2})
    first = claims.take("a", ("pulsar2",))
    with pytest.raises(TakenError) as taken:
        claims.take("b", ("pulsar2",))
    assert taken.value.what == "pulsar2" and str(taken.value) == "pulsar2"
    assert names(tmp_path) == {"a", "pulsar2.0"}, "the key of the one that got nothing is free"
    first.release()
    claims.take("b", ("pulsar2",)).release()


def test_as_many_have_a_resource_as_it_has_slots(tmp_path: Path) -> None:
    claims = Claims(tmp_path, {"board": 2})
    first, second = claims.take("a", ("board",)), claims.take("b", ("board",))
    assert names(tmp_path) == {"a", "b", "board.0", "board.1"}
    with pytest.raises(TakenError) as taken:
        claims.take("c", ("board",))
    assert taken.value.what == "board"
    first.release()
    third = claims.take("c", ("board",))
    assert names(tmp_path) == {"b", "c", "board.0", "board.1"}
    second.release()
    third.release()


def test_what_was_claimed_before_the_one_that_is_not_to_be_had_is_given_back(tmp_path: Path) -> None:
    claims = Claims(tmp_path, {})
    held = claims.take("a", ("z",))
    with pytest.raises(TakenError) as taken:
        claims.take("b", ("z", "m"))
    assert taken.value.what == "z"
    both = claims.take("b", ("m",))
    held.release()
    both.release()
    assert names(tmp_path) == set()


def test_a_resource_is_held_in_all_stores_of_a_machine(tmp_path: Path) -> None:
    machine = tmp_path / "home" / "locks"
    stores = [tmp_path / "one", tmp_path / "two"]
    for store in stores:
        store.mkdir()
    one, two = (Claims(store, {}, machine) for store in stores)
    held = one.take("a", ("pulsar2",))
    with pytest.raises(TakenError) as taken:
        two.take("b", ("pulsar2",))
    assert taken.value.what == "pulsar2"
    two.take("a", ()).release()  # keys are the store's own
    held.release()
    two.take("b", ("pulsar2",)).release()
    assert [names(folder) for folder in (*stores, machine)] == [set(), set(), set()]


def test_without_a_home_to_write_to_a_resource_is_held_in_the_store(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    claims = Claims(tmp_path, {}, tmp_path / "home" / "locks")
    held = claims.take("a", ("pulsar2",))
    with pytest.raises(TakenError):
        claims.take("b", ("pulsar2",))
    held.release()


def test_the_store_at_home_locks_once(tmp_path: Path) -> None:
    claim = Claims(tmp_path, {}, tmp_path).take("a", ("pulsar2",))
    assert names(tmp_path) == {"a", "pulsar2.0"}
    claim.release()
