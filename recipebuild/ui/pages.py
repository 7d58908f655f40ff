"""The pages that only the server has: the list of builds, and a build that runs."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipebuild.report.page.make import report
from recipebuild.report.page.shell import page
from recipebuild.report.page.summary import tiles
from recipebuild.report.page.written import report_name
from recipebuild.report.pipeline.nodes import nodes
from recipebuild.report.pipeline.svg import STATES, svg
from recipebuild.results.event_log import EVENTS
from recipebuild.ui.builds import ListedBuild

_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What a manifest that somebody wrote by hand may raise."""


def index(builds: Sequence[ListedBuild], where: Sequence[str]) -> str:
    """The list of builds; ``where`` says where they were looked for."""
    rows = []
    for build in builds:
        tiled: list[Any] = []
        with contextlib.suppress(*_BROKEN):
            tiled = [tiles(entry)[:-1] for entry in build.entries]
        shown = {"tiles": tiled[0] if tiled else [], "entries": len(tiled), "when": _when(build)}
        rows.append({"build": build, "folder": _short(build.folder), **shown})
    return page("index.html.j2", script="index.js", served=True, mark="", title="Builds", rows=rows, where=where)


_KICKER = '<p class="kicker">'


def report_page(build: ListedBuild) -> str | None:
    """A build's report with a link to the list of builds; ``None`` before its first run has ended."""
    text = _report(build)
    return text and text.replace(_KICKER, f'{_KICKER}<a href="/">Builds</a> / ', 1)


def _report(build: ListedBuild) -> str | None:
    """The report in the build's folder, or a new one if there is none."""
    with contextlib.suppress(OSError, ValueError):
        return (build.folder / report_name(build.manifest or {})).read_text(encoding="utf-8")
    if build.manifest is None:
        return None
    try:
        return report(build.manifest, build.folder)
    except _BROKEN:
        return None


def live(build: ListedBuild) -> str:
    """The page of a run: it asks for the run's events, and shows them as they come."""
    head = _head(build)
    steps = [{**step, "status": "queued", "seconds": None} for step in head.get("steps", ())]
    return page(
        "live.html.j2",
        script="live.js",
        served=True,
        mark="",
        title=f"{build.name}: building",
        build=build,
        steps=steps,
        states=STATES,
        pipeline=svg(nodes(steps), f"The steps of {build.name}") if steps else "",
    )


def _head(build: ListedBuild) -> Mapping[str, Any]:
    """The first line of the run's event log: what steps there are."""
    try:
        with (build.folder / EVENTS).open(encoding="utf-8") as file:
            value = json.loads(file.readline())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _short(folder: Path) -> Path:
    """A folder as seen from the current one, if it is inside."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _when(build: ListedBuild) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(build.finished)) if build.finished else ""
