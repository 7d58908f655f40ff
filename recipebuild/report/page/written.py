"""``write_report(manifest, folder)``: a build's ``report.html``, made anew where the manifest has something new.

A run with nothing to do comes by here, too: what draws pages is imported only where one is made.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from recipebuild.files import write_text

REPORT = "report.html"

_UNFINISHED = "report.partial.html"
"""The report of a run that did not finish, where that of a complete build is kept."""


def report_name(manifest: Mapping[str, Any]) -> str:
    """The name of a build's report in its folder."""
    return _UNFINISHED if manifest.get("complete") else REPORT


def write_report(manifest: Mapping[str, Any], folder: Path) -> bool:
    """Write a build's report, unless it has one that tells the same; say whether it was written.

    Which steps were built and which were cached is not worth a new report: that of the run that did the work says more.

    Raises:
        OSError: If it cannot be written.
    """
    path = folder / report_name(manifest)
    try:
        with path.open(encoding="utf-8") as file:
            if mark(manifest) in file.read(2000):
                return False
    except (OSError, ValueError):
        pass
    from recipebuild.report.page.make import report

    write_text(path, report(manifest, folder))
    return True


def mark(manifest: Mapping[str, Any]) -> str:
    """The element in a report's head that says what it was made of."""
    steps = [
        {**entry, "status": entry["status"] if entry["status"] in ("failed", "skipped") else "done"}
        for entry in manifest["steps"]
    ]
    rest = {name: value for name, value in manifest.items() if name != "made"}
    text = json.dumps({**rest, "steps": steps, "charts": available()}, sort_keys=True)
    return f'<meta name="recipebuild-manifest" content="{sha256(text.encode()).hexdigest()}">'


@cache
def available() -> bool:
    """Whether charts can be drawn."""
    return importlib.util.find_spec("vl_convert") is not None
