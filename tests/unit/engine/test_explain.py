from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipebuild.engine.explain import IngredientChange, changes, origin, preview
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Step
from recipebuild.engine.store import Store

pytestmark = pytest.mark.usefixtures("toys", "forked_workers")


def steps(text: str) -> list[Step]:
    follower = Step("r/b", "b", "toys.join", {"text": "b"}, {"i": Output("r/a", "text")})
    return [Step("r/a", "a", "toys.join", {"text": text}), follower]


def test_a_preview_names_the_value_that_changed(make_store: Callable[[], Store]) -> None:
    fresh = preview(steps("one"), make_store())
    assert [(p.status, p.why, p.after) for p in fresh] == [("build", (), ()), ("follows", (), ("r/a",))]
    run_steps(steps("one"), make_store(), jobs=1)
    assert [p.status for p in preview(steps("one"), make_store())] == ["cached", "cached"]
    changed = preview(steps("two"), make_store())[0]
    assert changed.why == (IngredientChange("params.text", "one", "two"),)
    assert changed.earlier is not None


def test_changes_are_told_leaf_by_leaf() -> None:
    old = {"params": {"a": 1, "b": [1, 2]}, "tools": {"torch": "1"}}
    new = {"params": {"a": 1, "b": [1, 3], "c": None}, "tools": {"torch": "2"}}
    assert changes(old, new) == [
        IngredientChange("params.b", [1, 2], [1, 3]),
        IngredientChange("tools.torch", "1", "2"),
    ]


def test_a_build_is_compared_with_what_was_last_used(make_store: Callable[[], Store]) -> None:
    for text in ("one", "two", "one"):
        run_steps(steps(text), make_store(), jobs=1)
    assert preview(steps("three"), make_store())[0].why == (IngredientChange("params.text", "one", "three"),)


def test_a_recipe_that_was_never_built_is_compared_with_none(make_store: Callable[[], Store]) -> None:
    run_steps(steps("one"), make_store(), jobs=1)
    (other,) = preview([Step("other/a", "a", "toys.join", {"text": "one", "sleep": 0})], make_store())
    assert (other.why, other.earlier) == ((), None)


def test_what_a_recipe_shared_with_another_is_what_it_is_compared_with(make_store: Callable[[], Store]) -> None:
    shared = run_steps(steps("one"), make_store(), jobs=1)["r/a"].record
    assert shared is not None
    run_steps(steps("two"), make_store(), jobs=1)
    other = [Step("other/a", "a", "toys.join", {"text": "one", "sleep": 0})]
    (changed,) = preview(other, make_store(), last={"other/a": shared.key})
    assert changed.why == (IngredientChange("params.sleep", None, 0),)


def test_an_entry_of_a_matrix_is_compared_with_the_most_alike_of_its_recipe(make_store: Callable[[], Store]) -> None:
    for text in ("one", "two"):
        run_steps([Step(f"r/a x={text}", "a", "toys.join", {"text": text})], make_store(), jobs=1)
    (entry,) = preview([Step("r/a x=three", "a", "toys.join", {"text": "one", "sleep": 0})], make_store())
    assert entry.why == (IngredientChange("params.sleep", None, 0),)


def test_a_step_that_waits_says_what_else_changed_and_what_follows(make_store: Callable[[], Store]) -> None:
    run_steps(steps("one"), make_store(), jobs=1)
    first, second = steps("two")
    waiting = preview([first, replace(second, params={"text": "c"})], make_store())
    assert waiting[0].then == ("r/b",)
    assert (waiting[1].status, waiting[1].why) == ("follows", (IngredientChange("params.text", "b", "c"),))


def test_of_the_code_it_names_the_module_that_changed(make_store: Callable[[], Store], toys: Path) -> None:
    run_steps(steps("one"), make_store(), jobs=1)
    helper = toys / "helper.py"
    helper.write_text(helper.read_text().replace("upper", "lower"))
    (change,) = preview(steps("one"), make_store())[0].why
    assert change.where == "code.toys.helper" and change.old != change.new


def test_a_cached_step_tells_why_it_was_built(make_store: Callable[[], Store]) -> None:
    records = []
    for text in ("one", "two"):
        record = run_steps(steps(text), make_store(), jobs=1)["r/a"].record
        assert record is not None
        records.append(record)
    before, why = origin(records[1], make_store())
    assert before == records[0] and why == (IngredientChange("params.text", "one", "two"),)
    assert origin(records[0], make_store()) == (None, ())
