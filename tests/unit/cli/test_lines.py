"""A run as lines: plain, quiet, verbose, and in GitHub Actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.inprocess import run

from recipebuild.cli import exits
from recipebuild.cli.lines import actions_groups, plain_lines, warnings
from recipebuild.cli.live import display
from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.step import Step
from recipebuild.errors import StepError
from recipebuild.figures.calibration_set import CalibrationSet
from recipebuild.figures.values import as_json
from recipebuild.recipe.problems import Place, Problem, RecipeProblems

CALIBRATE = Step("mine/calibrate", "calibrate", "toys", {}, {})
EXPORT = Step("mine/export", "export", "toys", {}, {})
PACKED = CalibrationSet(images=2, bytes=1000, smallest="32x32", largest="64x64", warnings=[])
RUN = [
    Event(EXPORT, "cached", metrics={}),
    Event(CALIBRATE, "started"),
    Event(CALIBRATE, "progress", 0.5, "image 1 of 2"),
    Event(CALIBRATE, "warning", text="50 % are dark"),
    Event(CALIBRATE, "progress", 1.0, "image 2 of 2"),
    Event(CALIBRATE, "built", seconds=1.25, metrics=as_json(PACKED)),
]


def printed(on_event: OnEvent, capsys: pytest.CaptureFixture[str]) -> list[str]:
    for event in RUN:
        on_event(event)
    out, err = capsys.readouterr()
    assert out == "", "standard output is for results"
    return err.splitlines()


def test_plain(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(plain_lines(verbose=False), capsys) == [
        "mine/calibrate: started", "warning: 50 % are dark", "mine/calibrate: built in 1.2 s",
    ]  # fmt: skip


def test_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(plain_lines(verbose=True), capsys) == [
        "mine/export: cached", "mine/calibrate: started", "mine/calibrate: image 1 of 2", "warning: 50 % are dark",
        "mine/calibrate: image 2 of 2", "mine/calibrate: built in 1.2 s: 2 images, 1.0 kB",
    ]  # fmt: skip


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(warnings, capsys) == ["warning: 50 % are dark"]


def test_github_actions_folds_each_step_and_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(actions_groups(), capsys) == [
        "::warning title=mine/calibrate::50 %25 are dark", "::group::mine/calibrate: built in 1.2 s",
        "  image 1 of 2", "  image 2 of 2", "  2 images, 1.0 kB", "::endgroup::",
    ]  # fmt: skip


def test_github_actions_marks_the_lines_that_are_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    problem = Problem("input.shape", "must be a list, got 3", Place("recipes/mine.yaml", 4, 8, "  shape: 3"))
    exits.say_error(RecipeProblems([problem]))
    exits.say_error(StepError("no memory\nat all"), "mine: export: ")
    exits.say_error(StepError("input.shape: too small"), "mine: export: ", problem.place)
    exits.say_error(StepError("input.shape: too small"), "mine: export: ", Place("--set input.shape=[1,3,2,2]"))
    marks = [line for line in capsys.readouterr().err.splitlines() if line.startswith("::")]
    assert marks == [
        "::error file=recipes/mine.yaml,line=4,col=8::input.shape: must be a list, got 3",
        "::error title=mine%3A export::no memory%0Aat all",
        "::error file=recipes/mine.yaml,line=4,col=8,title=mine%3A export::input.shape: too small",
        "::error title=mine%3A export::input.shape: too small",
    ]


def test_check_marks_them_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("extends: base/segformer.yaml\ninput: {shape: 3}\n")
    result = run(monkeypatch, ["check", "mine.yaml"])
    assert "::error file=mine.yaml,line=2,col=16::input.shape: must be a list, got 3\n" in result.err


@pytest.mark.parametrize(
    ("environment", "options", "first"),
    [
        ({}, {}, "mine/calibrate: started"),
        ({"GITHUB_ACTIONS": "true"}, {}, "::warning"),
        ({"GITHUB_ACTIONS": "true"}, {"verbose": True}, "mine/export: cached"),
        ({"GITHUB_ACTIONS": "true"}, {"quiet": True}, "warning"),
    ],
)
def test_what_shows_a_run_off_a_terminal(
    environment: dict[str, str],
    options: dict[str, Any],
    first: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with display(**options) as shown:
        assert printed(shown, capsys)[0].startswith(first)
