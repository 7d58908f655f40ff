"""Steps that go on from what they wrote before, for other inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Source, Step
from recipebuild.engine.store import Store

TOY = '''
"""A toy step: the names of files in ``source``, and a trace of those that were not in its earlier output."""

from pathlib import Path

from pydantic import BaseModel


class Params(BaseModel):
    trace: str
    text: str = ""


def run(inputs, params, out, progress):
    names = sorted(path.name for path in inputs["source"].iterdir())
    known = (inputs["earlier"] / "sub/names").read_text().split() if "earlier" in inputs else []
    Path(params.trace).write_text(" ".join(name for name in names if name not in known))
    (out / "sub").mkdir()
    (out / "sub/names").write_text(" ".join(names))
    return {}
'''


@pytest.fixture
def fresh(toys: Path, forked_workers: None, tmp_path: Path, make_store: Callable[[], Store]) -> Callable[..., str]:
    """Runs the step on a folder with these files; gives the names that it did not know from before."""
    (toys / "names.py").write_text(TOY)
    source, trace = tmp_path / "source", tmp_path / "trace"
    source.mkdir()

    def run(*names: str, goes_on: tuple[str, ...] = ("inputs.source",), text: str = "") -> str:
        for path in source.iterdir():
            path.unlink()
        for name in names:
            (source / name).touch()
        trace.write_text("it did not run")
        params = {"trace": str(trace), "text": text}
        step = Step("r/names", "names", "toys.names", params, {"source": Source(source)}, goes_on=goes_on)
        (result,) = run_steps([step], store := make_store()).values()
        assert result.record is not None, result.error
        assert store.path(result.record.select("sub/names")[0]).read_text() == " ".join(sorted(names))
        return trace.read_text()

    return run


def test_what_was_there_before_need_not_be_done_again(fresh: Callable[..., str]) -> None:
    assert fresh("a", "b") == "a b"
    assert fresh("a", "b", "c") == "c"
    assert fresh("a", "b") == "it did not run", "the key is the same"


def test_only_what_may_differ_does(fresh: Callable[..., str]) -> None:
    fresh("a")
    assert fresh("a", "b", text="another parameter") == "a b"
    assert fresh("a", "b", "c", text="a third", goes_on=("inputs.source", "params.text")) == "c"


def test_other_code_may_read_what_the_code_before_it_wrote(fresh: Callable[..., str], toys: Path) -> None:
    fresh("a", goes_on=("code",))
    (toys / "names.py").write_text(f"{TOY}\nMORE = 1\n")
    assert fresh("a", goes_on=("code",)) == ""
    (toys / "names.py").write_text(f"{TOY}\nMORE = 2\n")
    assert fresh("a", goes_on=("inputs.source",)) == "a"


def test_a_step_that_starts_anew_is_given_nothing(fresh: Callable[..., str]) -> None:
    fresh("a")
    assert fresh("a", "b", goes_on=()) == "a b"


def test_a_damaged_output_is_not_gone_on_from(fresh: Callable[..., str], make_store: Callable[[], Store]) -> None:
    fresh("a")
    for blob in make_store().blobs.iterdir():
        blob.chmod(0o644)
        blob.write_text("x" * blob.stat().st_size)
    assert fresh("a", "b") == "a b"
