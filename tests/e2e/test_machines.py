"""Several machines, as a user sees them: a store at a URL, `cache push` and `pull`, and Dask."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.project import Project

CHEAP = ("--until", "calibrate")  # two steps, without torch


def outputs(project: Project) -> dict[str, list[dict[str, Any]]]:
    return {step["name"]: step["outputs"] for step in project.manifest()["steps"]}


def test_a_second_machine_fetches_what_the_first_has_built(make_project: Callable[[], Project], tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    one, two = make_project(), make_project()
    until = ("--until", "export")
    done = one.command("run", one.recipe, *until, "--store", url)
    assert not re.search(r"warning: .*(remote|store)", done.stdout + done.stderr)
    fetched = two.command("run", two.recipe, *until, "--store", url)
    assert two.built() == set()
    assert "tiny/export: fetching from the remote store" in fetched.stderr
    assert outputs(two) == outputs(one)
    again = two.command("run", two.recipe, *until, "--store", url)
    assert "nothing to do" in again.stdout and again.stderr == ""


def test_push_and_pull(make_project: Callable[[], Project], tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    one, two = make_project(), make_project()
    until = [word for name in ("calibration.count=2",) for word in ("--set", name)]
    one.command("run", one.recipe, *CHEAP, *until)
    count = len(outputs(one))
    pushed = one.command("cache", "push", one.recipe, *until, "--store", url).stdout
    assert f"pushed {count} results; 0 already there" in pushed and "tiny/export" in pushed
    pulled = json.loads(two.command("cache", "pull", two.recipe, *until, "--store", url, "--json").stdout)
    assert pulled["records"] == count and not pulled["damaged"] and "tiny/export" in pulled["missing"]
    two.command("run", two.recipe, *CHEAP, *until)
    assert two.built() == set()
    everything = json.loads(two.command("cache", "push", "--store", url, "--json").stdout)
    assert (everything["records"], everything["present"]) == (0, count)
    blob = max((tmp_path / "remote" / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(b"x" * blob.stat().st_size)
    three = make_project()
    assert "damaged, skipped: " in three.command("cache", "pull", "--store", url, code=5).stdout


def test_a_remote_that_is_down_is_told_once_in_the_terminal_and_in_the_manifest(
    make_project: Callable[[], Project],
) -> None:
    project = make_project()
    done = project.command(
        "run", project.recipe, *CHEAP, "--store", "s3://bucket/team",
        AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s",
    )  # fmt: skip
    assert (done.stdout + done.stderr).count("s3://bucket/team cannot be read") == 1
    assert "warning: RB802 the store s3://bucket/team" in done.stderr
    notes = [note for note in project.manifest()["notes"] if "s3://bucket/team" in note]
    assert len(notes) == 1 and notes[0].startswith("warning: ") and "the run goes on without it" in notes[0]
    answered = ("--set", "check.ignore={RB802: this machine has no network}", "--set", "calibration.seed=5")
    done = project.command(
        "run", project.recipe, *CHEAP, *answered, "--store", "s3://bucket/team",
        AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s",
    )  # fmt: skip
    assert "s3://bucket/team" not in done.stdout + done.stderr
    assert any(note.startswith("ignored: RB802 the store s3://bucket/team") for note in project.manifest()["notes"])


SLOW = """
import sys, threading
from recipebuild.cli.app import main
from recipebuild.engine.remote import Remote

def push(*_):
    print("sending", file=sys.stderr, flush=True)
    threading.Event().wait()

Remote.push = push
main()
"""  # a server that takes connections and never takes data


def test_ctrl_c_while_the_last_results_are_sent_ends_with_130_and_says_what_is_not_there(
    make_project: Callable[[], Project], tmp_path: Path
) -> None:
    project = make_project()
    command = ["run", str(project.recipe), *CHEAP, "--store", f"file://{tmp_path}/remote"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *command],
        cwd=project.folder, env=project.environment(), text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    output = ""
    while output.count("sending") < 1 or "calibrate: built" not in output:
        output += (line := process.stderr.readline())
        assert line, output
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, output + err
    assert "in the remote store; recipebuild cache push" in err
    assert "error: tiny: interrupted before all results were in the remote store" in err
    assert project.manifest()["status"] == "partial"  # --until


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "tiny.yaml", "--store", "s3://"), 2, "no URL of a store"),
        (("run", "tiny.yaml", *CHEAP, "--store", "s4://bucket/x"), 2, "no protocol s4"),
        (("run", "tiny.yaml", "--executor", "slurm"), 2, "local, dask or tcp://host:8786"),
        (("cache", "push", "--store", "/some/folder"), 2, "name a URL"),
        (("cache", "push"), 2, "--store"),
        (("cache", "gc", "--store", "s3://bucket/team"), 2, "name a folder"),
        (("cache", "pull", "--store", "file:///proc/nothing/here", "nowhere.yaml"), 2, "nowhere"),
    ],
)
def test_what_is_wrong_is_said(
    built_project: Project, recipe_text: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    arguments = tuple(str(built_project.recipe) if word == "tiny.yaml" else word for word in arguments)
    # A run that finds everything here asks nobody: give it something to do.
    built_project.recipe.write_text(recipe_text.replace("count: 4", "count: 5"))
    assert words in built_project.command(*arguments, code=code).stderr


def test_images_shared_out_over_dask_workers_give_the_same_figures(make_built_project: Callable[[], Project]) -> None:
    project = make_built_project()
    alone = json.loads((project.build / "steps/evaluate/evaluation.json").read_text())
    shares = ("--set", "evaluate.shares=4")
    project.command("run", project.recipe, *shares, "--until", "evaluate", "--executor", "dask", "-j", "4")
    assert {"answers-float", "join-float", "join-quantized"} <= project.built()
    assert sum(step["name"] == "answers-quantized" for step in project.manifest()["steps"]) == 4
    assert json.loads((project.build / "steps/evaluate/evaluation.json").read_text()) == alone


@pytest.mark.slow
def test_a_recipe_on_a_dask_cluster_comes_out_the_same(make_project: Callable[[], Project]) -> None:
    here, there = make_project(), make_project()
    until = ("--until", "head")  # each step is a process of its own there, which imports torch anew
    here.command("run", here.recipe, *until)
    there.command("run", there.recipe, *until, "--executor", "dask", "-j", "2")
    assert there.built() == set(outputs(there))
    assert outputs(there) == outputs(here)
