"""The event log: written while a run builds, read by who watches."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from recipebuild.engine.events import Event
from recipebuild.engine.step import Step
from recipebuild.plan.plan import Plan
from recipebuild.results.event_log import EVENTS, EventLog, follow, is_running

FETCH = Step("r/fetch", "fetch", "recipebuild.steps.fetch")
EXPORT = Step("r/export", "export", "recipebuild.steps.export", after=("r/fetch",))
PLAN = Plan("r", (FETCH, EXPORT), {"": ("r/fetch", "r/export")})


def test_a_run_with_nothing_to_do_writes_nothing(tmp_path: Path) -> None:
    log = EventLog([(PLAN, tmp_path)])
    log.write(Event(FETCH, "cached"))
    log.write(Event(EXPORT, "cached"))
    assert list(tmp_path.iterdir()) == []
    log.close()


def test_it_tells_all_from_the_beginning_and_ends_with_the_run(tmp_path: Path) -> None:
    log = EventLog([(PLAN, tmp_path)])
    log.write(Event(FETCH, "cached"))
    log.write(Event(EXPORT, "started"))
    assert is_running(tmp_path)
    heard: list[dict[str, object]] = []
    watcher = threading.Thread(target=lambda: heard.extend(line for line in follow(tmp_path, 0.01) if line))
    watcher.start()
    log.write(Event(EXPORT, "progress", 0.5, "half"))
    log.write(Event(EXPORT, "progress", 0.6, "so soon after that it is not worth a line"))
    log.write(Event(EXPORT, "built", seconds=1.5))
    time.sleep(0.1)
    log.close()
    watcher.join(10)
    head, *events = heard
    assert [step["id"] for step in head["steps"]] == ["r/fetch", "r/export"]  # type: ignore[attr-defined]
    assert [(event["step"], event["status"]) for event in events] == [
        ("r/fetch", "cached"), ("r/export", "started"), ("r/export", "progress"), ("r/export", "built"),
    ]  # fmt: skip
    assert events[2]["text"] == "half" and events[3]["seconds"] == 1.5
    assert not is_running(tmp_path) and list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_behind_is_no_run(tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_text('{"recipe": "r", "steps": []}\n{"step": "r/fe')
    assert not is_running(tmp_path)
    assert list(follow(tmp_path)) == [{"recipe": "r", "steps": []}]
    log = EventLog([(PLAN, tmp_path)])
    log.write(Event(FETCH, "started"))
    assert "r/fe\n" not in (tmp_path / EVENTS).read_text() and is_running(tmp_path)
    log.close()


def test_of_two_runs_in_one_folder_the_first_tells(tmp_path: Path) -> None:
    first, second = EventLog([(PLAN, tmp_path)]), EventLog([(PLAN, tmp_path)])
    first.write(Event(FETCH, "started"))
    before = (tmp_path / EVENTS).read_text()
    second.write(Event(FETCH, "started"))
    second.close()
    assert (tmp_path / EVENTS).read_text() == before
    first.close()


def test_a_folder_that_cannot_be_written_stops_no_build(tmp_path: Path) -> None:
    log = EventLog([(PLAN, tmp_path / "gone")])
    log.write(Event(FETCH, "started"))
    log.close()
    assert not is_running(tmp_path / "gone")
