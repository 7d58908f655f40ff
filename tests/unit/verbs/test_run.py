from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipebuild.engine.events import Event
from recipebuild.engine.pool import Pool
from recipebuild.engine.task import Result
from recipebuild.errors import RecipeError, StepError
from recipebuild.session import Options, prepare
from recipebuild.verbs.run import _place, run


def run_on_dask(folder: Path, distributed: str) -> subprocess.CompletedProcess[str]:
    """A run on Dask, where ``distributed`` is a package with this code, or is not there if that is empty."""
    package = folder / "packages" / "distributed"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(distributed)
    hide = "" if distributed else "sys.modules['distributed'] = None;"
    program = f"import runpy, sys; {hide} runpy.run_module('recipebuild', run_name='__main__', alter_sys=True)"
    arguments = ["run", "quickstart", "--executor", "dask", "--store", str(folder / "store")]
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_distributed_a_run_on_dask_ends_before_anything_is_made(tmp_path: Path) -> None:
    process = run_on_dask(tmp_path, "")
    assert process.returncode == 4
    assert ".[dask]" in process.stderr
    assert not (tmp_path / "build").exists() and not (tmp_path / "store").exists()


def test_a_distributed_that_cannot_be_imported_is_a_failed_build_with_a_manifest(tmp_path: Path) -> None:
    process = run_on_dask(tmp_path, "import no_such_package_of_dask")
    assert process.returncode == 4
    assert "no_such_package_of_dask" in process.stderr and ".[dask]" in process.stderr
    manifest = json.loads((tmp_path / "build" / "quickstart" / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert {step["status"] for step in manifest["steps"]} == {"failed", "skipped"}


def test_what_runs_steps_is_closed_when_a_locked_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Pool] = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("extends: quickstart\nname: mine\n")
    monkeypatch.setattr(Pool, "close", lambda pool: closed.append(pool))
    with pytest.raises(RecipeError, match=r"there is no .*mine\.lock"):
        run("mine.yaml", Options(locked=True, store=tmp_path / "store"))
    assert len(closed) == 1


def test_a_failed_build_says_which_field_is_wrong_and_where_the_recipe_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cut.onnx").write_bytes(b"no model")
    (tmp_path / "mine.yaml").write_text("extends: quickstart\nname: mine\nmodel: {source: cut.onnx}\n")
    (build,) = run("mine.yaml", Options(store=tmp_path / "store", until="fetch", jobs=1))
    assert build.error and build.error.field == "model.source"
    assert build.error.message == "model.source: cut.onnx is not an ONNX model, or is cut short"
    assert str(build.place) == "mine.yaml:3:17"
    (fetch,) = (entry for entry in build.manifest["steps"] if entry["name"] == "fetch")
    assert fetch["error"]["field"] == "model.source"


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (StepError("a: b", field="calibration.count"), "--set calibration.count=4"),
        (StepError("a: b", field="calibration.seed"), "--set calibration.count=4"),  # a default: its section
        (StepError("calibration.count: a file of this name"), "None"),
        (StepError("no field at all"), "None"),
    ],
)
def test_only_the_field_that_an_error_names_is_looked_for_in_the_recipe(error: StepError, place: str) -> None:
    (job,) = prepare(["quickstart"], Options(sets=["calibration.count=4"]))
    step = job.plan.steps[0]
    results = {each.id: Result(each, "skipped") for each in job.plan.steps}
    assert str(_place(job, results | {step.id: Result(step, "failed", error=error)})) == place


@pytest.mark.parametrize("ignored", [False, True])
def test_what_a_step_warns_of_is_told_once_as_soon_as_it_is_built(tmp_path: Path, ignored: bool) -> None:
    sets = ["calibration.count=4", *(["check.ignore={RB204: only a test}"] if ignored else [])]
    events: list[Event] = []
    options = Options(sets=sets, store=tmp_path / "store", build_dir=tmp_path, until="calibrate", jobs=1)
    (build,) = run("quickstart", options, events.append)
    few = [event.text for event in events if event.status == "warning" and "images are few" in event.text]
    assert [text.partition(" images")[0] for text in few] == ([] if ignored else ["calibrate: RB204 4"])
    notes = [note for note in build.manifest["notes"] if "images are few" in note]
    assert len(notes) == 1 and notes[0].startswith("ignored: calibrate: RB204 " if ignored else "warning: calibrate: ")
    assert (notes[0] in build.warnings) is not ignored
