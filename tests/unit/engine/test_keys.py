"""Keys: all that a step's result depends on, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from recipebuild.engine.digest import digest_json
from recipebuild.engine.installed import installed_version
from recipebuild.engine.keys import Keys
from recipebuild.engine.record import Blob, Record
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.step import Output, Source, Step
from recipebuild.errors import StepError
from recipebuild.files import digest_file

pytestmark = pytest.mark.usefixtures("toys")


def record(digest: str = "ab" * 32) -> Record:
    """Of the step before."""
    return Record("k", {}, (Blob("text", digest, 1),), {}, 1.0, Blob("log", "", 0), label="r/a")


@pytest.fixture
def step(tmp_path: Path) -> Step:
    path = tmp_path / "source"
    path.write_text("s")
    inputs: dict[str, Output | Source] = {"earlier": Output("r/a", "text"), "source": Source(path)}
    return Step("r/b", "b", "toys.join", {"text": "t"}, inputs, tools=("pytest", "nobody"), facts={"image": "1"})


def keys() -> Keys:
    return Keys(StatCache(None))


def key(step: Step, before: str = "ab" * 32) -> str:
    return Keys.key(keys().ingredients(step, {"r/a": record(before)}))


def test_the_ingredients_are_named(step: Step, tmp_path: Path) -> None:
    ours = keys()
    assert ours.ingredients(step, {"r/a": record()}) == {
        "step": "b",
        "params": {"text": "t"},
        "inputs": {"earlier": "ab" * 32, "source": digest_file(tmp_path / "source")},
        "tools": {"pytest": metadata.version("pytest"), "nobody": ""},
        "facts": {"image": "1"},
        "code": digest_json(ours.code_parts(step)),
    }
    assert {"toys.join", "toys.helper"} <= set(ours.code_parts(step))


def test_each_ingredient_changes_the_key(step: Step, tmp_path: Path) -> None:
    others = [
        replace(step, name="c"),
        replace(step, params={"text": "u"}),
        replace(step, inputs={"earlier": step.inputs["earlier"]}),
        replace(step, tools=()),
        replace(step, facts={"image": "2"}),
        replace(step, module="toys.other"),
    ]
    seen = {key(step), *map(key, others), key(step, before="cd" * 32)}
    (tmp_path / "source").write_text("t")
    assert len(seen | {key(step)}) == len(others) + 3


def test_where_things_are_and_how_they_are_run_is_no_ingredient(step: Step, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("s")
    inputs = {**step.inputs, "source": Source(elsewhere)}
    for same in (
        replace(step, inputs=inputs),
        replace(step, id="other/b", variant="x", resources=("board",), timeout=1.0, retries=3, after=("r/a",)),
    ):
        assert key(same) == key(step)


def test_a_source_is_read_once_and_again_when_it_is_asked_whether_it_changed(step: Step, tmp_path: Path) -> None:
    ours = keys()
    ingredients = ours.ingredients(step, {"r/a": record()})
    assert ours.changed(step, ingredients) is None
    (tmp_path / "source").write_text("other")
    assert ours.ingredients(step, {"r/a": record()}) == ingredients, "one run sees one content"
    assert ours.changed(step, ingredients) == "source"


def test_a_source_that_cannot_be_read_is_named(step: Step, tmp_path: Path) -> None:
    (tmp_path / "source").unlink()
    with pytest.raises(StepError, match=rf"^source: cannot read {tmp_path}/source: No such file or directory$"):
        keys().ingredients(step, {"r/a": record()})


def test_a_version_is_that_of_the_installed_distribution() -> None:
    assert installed_version("pydantic") == metadata.version("pydantic")
    assert installed_version("no-such-distribution") == ""
