"""Help: every verb has an example that parses; topics, fields, completion."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from support import warm
from support.inprocess import run

from recipebuild import errors
from recipebuild.plan.kinds import KINDS
from recipebuild.verbs.help_ import EXIT_CODES, TOPICS
from scripts.cli_reference import commands, examples

VERBS = {path: (command, context) for path, command, context in commands()}
EXAMPLES = [(path, line) for path, (command, _) in VERBS.items() for line in examples(command)]
FILES = ("model.onnx", "a.onnx", "b.onnx", "compiled.axmodel", "config.json", ".ssh/id_ed25519")
FOLDERS = ("build/quickstart/bundle",)


@pytest.mark.parametrize("path", VERBS)
def test_every_verb_has_help_with_an_example(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, [*path.split()[1:], "--help"])
    assert result.code == 0
    assert re.search(rf"^ +Example: {path}( |$)", result.out, re.M), f"{path} --help shows no example of itself"


@pytest.mark.parametrize(("path", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_every_example_parses(path: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in FOLDERS:
        Path(folder).mkdir(parents=True)
    for file in FILES:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).touch()
    words = [word.replace("~", str(tmp_path)) for word in shlex.split(line.partition(" > ")[0])]
    assert line.startswith(path), "an example shows the verb that it belongs to"
    command, context = VERBS[path]
    parsed: Any = command.make_context(path, words[len(path.split()) :], parent=context.parent)
    assert parsed.command is command


def test_help_lists_topics_and_prints_each(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = run(monkeypatch, ["help"]).out
    for name in TOPICS:
        assert name in listed
        assert len(run(monkeypatch, ["help", name]).out.splitlines()) > 3


def test_help_errors_has_every_exit_code_and_a_way_on() -> None:
    kinds = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.RecipebuildError)
    ]
    assert {0, *(kind.exit_code for kind in kinds)} == set(EXIT_CODES)
    text = TOPICS["errors"][1]()
    for code, (meaning, _) in EXIT_CODES.items():
        assert re.search(rf"^ +{code} +{re.escape(meaning)}", text, re.M)


def test_help_steps_has_every_step_with_its_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(monkeypatch, ["help", "steps"]).out
    for name in KINDS:
        assert re.search(rf"^  {name} +\S+ ", text, re.M), name


def test_help_of_verbs_and_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Usage: recipebuild board run" in run(monkeypatch, ["help", "board", "run"]).out
    assert "batch, channels (3; 1 for grey" in run(monkeypatch, ["help", "input.shape"]).out
    section = run(monkeypatch, ["help", "calibration"]).out
    assert "calibration.count" in section and "calibration.source" in section
    wrong = run(monkeypatch, ["help", "input.shpae"])
    assert wrong.code == 2 and "did you mean input.shape" in wrong.err


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("recipebuild ru", {"run"}),
        ("recipebuild run quickstart-d", {"quickstart-detector"}),
        ("recipebuild run ./rec", {"./recipes/"}),
        ("recipebuild check ./recipes/", {"./recipes/mine.yaml"}),
        ("recipebuild explain quickstart comp", {"compile"}),
        ("recipebuild run quickstart --until ev", {"evaluate"}),
        ("recipebuild run quickstart --set calibration.co", {"calibration.count="}),
        ("recipebuild run quickstart --set target.toolchain=p", {"target.toolchain=pulsar2"}),
        ("recipebuild run quickstart --toolchain on", {"onnxruntime"}),
        ("recipebuild new openai/clip-vit-b", {"openai/clip-vit-base-patch16", "openai/clip-vit-base-patch32"}),
        ("recipebuild help er", {"errors"}),
        ("recipebuild board doctor d", {"desk"}),
    ],
)
def test_shells_complete(line: str, offers: set[str], tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yaml").touch()
    (tmp_path / ".config" / "recipebuild").mkdir(parents=True)
    (tmp_path / ".config" / "recipebuild" / "boards.yaml").write_text("desk: {host: 127.0.0.1}\n")
    asked = {"_RECIPEBUILD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    environment = {**os.environ, "HOME": str(tmp_path), **asked}
    environment.pop("XDG_CONFIG_HOME", None)
    completion = warm.run([], tmp_path, environment)
    assert set(completion.stdout.split()) == offers, completion.stderr
