"""What a run looks like on a real terminal (a pty), without one, and when it fails."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from support.project import Project
from support.warm import Forked


def on_terminal(project: Project, *arguments: object, **environment: str) -> tuple[int, str]:
    """Run the command on a terminal of 30 lines and 140 columns; its exit code, and all that it wrote there."""
    clean = project.environment(**{"TERM": "xterm-256color", **environment})
    if "NO_COLOR" not in environment:
        del clean["NO_COLOR"]
    del clean["COLUMNS"]
    clean.pop("GITHUB_ACTIONS", None)
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 140, 0, 0))
    process = Forked([*map(str, arguments)], project.folder, clean, out=terminal, err=terminal)
    os.close(terminal)
    written = b""
    while True:
        try:
            some = os.read(master, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not some:
            break
        written += some
    os.close(master)
    return process.wait(), written.decode()


def plain(text: str) -> list[str]:
    """The lines without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")


def test_a_run_on_a_terminal(make_project: Callable[[], Project]) -> None:
    project = make_project()
    code, text = on_terminal(project, "run", project.recipe, "--until", "calibrate", "-j", "1")
    assert code == 0 and "\x1b[2K" in text, "lines are drawn over"
    code, text = on_terminal(project, "run", project.recipe, "--until", "export", "-j", "2")
    assert code == 0
    lines = plain(text)
    assert any(re.match(r". export +━+ +\d+ s", line) for line in lines), "a line with a bar and its time"
    assert any("torchscript, opset 17" in line for line in lines), "what the step says of itself"
    assert any(re.match(r"\d of 2 steps.* · 2 workers", line) for line in lines), "how far, and how many workers"
    assert "built up to export, " in text.rpartition("\x1b[2K")[2], "the summary stays"
    # Built again, the step's time is known: the whole has an estimate. A quick machine would leave none worth a word.
    for path in (project.store / "actions").glob("*.json"):
        record = json.loads(path.read_text())
        if record["label"].endswith("/export"):
            path.write_text(json.dumps({**record, "seconds": 60.0}))
    changed = ("--set", "export.output=other")
    code, text = on_terminal(project, "run", project.recipe, "--until", "simplify", *changed, "-j", "2")
    assert code == 0
    lines = plain(text)
    assert any(re.match(r". export .* \d+ s, \d+ s left", line) for line in lines), "time left, from the run before"
    assert any("1 cached" in line for line in lines), "what was found in the store"
    assert any("✓ export" in line for line in lines)


def test_cached_runs_draw_nothing(built_project: Project) -> None:
    code, text = on_terminal(built_project, "run", built_project.recipe)
    assert code == 0 and "nothing to do" in text and "\x1b" not in text


@pytest.mark.parametrize(("arguments", "environment"), [((), {"NO_COLOR": "1"}), (("-v",), {}), ((), {"TERM": "dumb"})])
def test_plain_lines_on_a_terminal(
    built_project: Project, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    fresh = ("--set", f"calibration.seed={1 + len(arguments) + len(environment.get('TERM', ''))}")
    code, text = on_terminal(built_project, "run", built_project.recipe, "--until", "calibrate", *fresh, *arguments,
                             **environment)  # fmt: skip
    assert code == 0 and "\x1b[2K" not in text
    assert "tiny/calibrate: started" in text and "tiny/calibrate: built in" in text
    assert ("image 4 of 4" in text) == ("-v" in arguments)


def test_quiet_says_nothing_but_warnings_and_json_only_json(built_project: Project) -> None:
    fresh = ("--until", "calibrate", "--set", "calibration.seed=77")
    done = built_project.command("run", built_project.recipe, *fresh, "-q")
    assert done.stdout == ""
    assert re.fullmatch("warning: calibrate: RB204 4 images are few: .*\n", done.stderr)
    ignored = ("--set", "calibration.seed=79", "--set", "check.ignore={RB204: a test}")
    done = built_project.command("run", built_project.recipe, *fresh, *ignored, "-q")
    assert done.stdout == "" and done.stderr == ""
    done = built_project.command("run", built_project.recipe, *fresh, "-q", "--json")
    assert json.loads(done.stdout)["status"] == "partial" or json.loads(done.stdout)["status"] == "ok"


def test_github_actions_folds_the_log(built_project: Project) -> None:
    fresh = ("--until", "calibrate", "--set", "calibration.seed=78")
    done = built_project.command("run", built_project.recipe, *fresh, GITHUB_ACTIONS="true")
    assert "::group::tiny/calibrate: built in" in done.stderr and "::endgroup::" in done.stderr


def test_a_failure_ends_with_step_reason_remedy_and_log(built_project: Project) -> None:
    wrong = ("--set", "input.shape=[1, 3, 2, 2]", "--until", "export")
    code, text = on_terminal(built_project, "run", built_project.recipe, *wrong)
    assert code == 3
    *_, error, remedy, log = [line for line in plain(text) if line.strip()]
    assert error.startswith(
        "error: tiny: export: --set input.shape=[1, 3, 2, 2]: input.shape: the model rejects 1x3x2x2"
    )
    assert "input.shape is N, C, H, W" in remedy
    assert log.strip() == "log: build/tiny/partial/logs/export.log"
    assert (built_project.folder / Path(log.partition("log: ")[2].strip())).is_file()
