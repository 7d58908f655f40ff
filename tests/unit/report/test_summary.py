"""What ``run`` prints at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.builds import make_build

from recipebuild.report.summary import summary


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    """Of a build of which all is known."""
    value = make_build(tmp_path / "one")
    value["notes"] = []
    value["files"] = [*value["files"], "report.html"]
    lint = next((step for step in value["steps"] if step["name"] == "lint"), None)
    if lint is None:
        lint = {"name": "lint", "variant": "", "status": "built", "seconds": 0.1, "metrics": {}}
        value["steps"].append(lint)
    span = {"ms": 1.25, "low": 0.8, "high": 1.9}
    lint["metrics"] = {"hardware": "AX650", "npu_mode": "NPU3", "findings": 0, "estimated_ms": span}
    return value


def step(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    return next(step for step in manifest["steps"] if step["name"] == name)


def test_five_lines_say_it_all(manifest: dict[str, Any]) -> None:
    lines = summary(manifest, Path("build/x"), seconds=93).splitlines()
    assert len(lines) == 5
    assert lines[0].endswith("steps built in 1.6 min") and lines[0].startswith(f"{manifest['recipe']}: ok, ")
    assert [line.split()[0] for line in lines[1:]] == ["accuracy", "model", "toolchain", "report"]
    assert "mIoU" in lines[1] and "float" in lines[1] and "quantized" in lines[1]
    assert ", estimated 1.2 ms on AX650 NPU3 (0.8 to 1.9 ms)" in lines[2]
    assert lines[4].split()[1:] == ["build/x/report.html"]


def test_a_narrow_terminal_wraps_facts_under_their_own_column(
    manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    lines = summary(manifest, Path("build/x")).splitlines()[1:]
    assert all(len(line) <= 50 for line in lines)
    assert [line[:13].strip() for line in lines if line[2] != " "] == ["accuracy", "model", "toolchain", "report"]


def test_tables_come_when_asked_for(manifest: dict[str, Any]) -> None:
    text = summary(manifest, Path("build/x"), tables=True)
    assert "step " in text and "ladder" in text and len(text.splitlines()) > 20


def test_a_failure_says_where_and_what_was_built(manifest: dict[str, Any]) -> None:
    manifest["status"] = "failed"
    step(manifest, "compile")["status"] = "failed"
    step(manifest, "compile")["metrics"] = {}
    manifest["files"].remove("report.html")
    lines = summary(manifest, Path("build/x"), seconds=0.5).splitlines()
    assert ": failed at compile; " in lines[0] and lines[0].endswith("in 0.5 s")
    assert lines[-1].split(maxsplit=1)[1] == "none; what was built is in build/x"


def test_a_run_that_the_user_ended_did_not_fail(manifest: dict[str, Any]) -> None:
    manifest["status"] = "partial"
    step(manifest, "compile")["status"] = "failed"
    assert ": interrupted at compile; " in summary(manifest, Path("build/x"))


def test_where_accuracy_falls_short_the_tables_say_why(manifest: dict[str, Any]) -> None:
    manifest["steps"].append({"name": "judge", "variant": "", "status": "failed", "seconds": 0.0, "metrics": {}})
    manifest["status"] = "failed"
    assert "accuracy, 24 images" in summary(manifest, Path("build/x"))
    del manifest["steps"][-1]
    assert "accuracy, 24 images" not in summary(manifest, Path("build/x"))


def test_a_part_that_was_asked_for_is_said_to_be_one(manifest: dict[str, Any]) -> None:
    manifest["status"] = "partial"
    manifest["steps"] = manifest["steps"][:3]
    last = manifest["steps"][-1]["name"]
    assert f": built up to {last}, 3 of 3 steps built" in summary(manifest, Path("build/x"))


def test_nothing_to_do_is_one_line(manifest: dict[str, Any]) -> None:
    for each in manifest["steps"]:
        each["status"] = "cached"
    (line,) = summary(manifest, Path("build/x")).splitlines()
    assert "nothing to do" in line
