"""``write_report(manifest, folder)``: a build's ``report.html``, made anew where the manifest has something new."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from recipebuild.report.page.accuracy import accuracy
from recipebuild.report.page.built import Built, builds
from recipebuild.report.page.charts import available
from recipebuild.report.page.compare import figures_section
from recipebuild.report.page.config import config
from recipebuild.report.page.graph import graph
from recipebuild.report.page.ladder import ladder
from recipebuild.report.page.layers import layers
from recipebuild.report.page.parts import Section
from recipebuild.report.page.pictures import pictures
from recipebuild.report.page.provenance import provenance, steps
from recipebuild.report.page.shell import page
from recipebuild.report.page.speed import board, estimate
from recipebuild.report.page.summary import alerts, tiles
from recipebuild.report.pipeline.nodes import nodes
from recipebuild.report.pipeline.svg import svg
from recipebuild.report.summary import toolchain

REPORT = "report.html"

_PICTURES = 2_400_000
"""Bytes of pictures in a page: a third more as text, with the rest under 5 MB."""
_MARK = '<meta name="recipebuild-manifest" content="{}">'


def write_report(manifest: Mapping[str, Any], folder: Path) -> bool:
    """Write a build's report, unless it has one that tells the same; say whether it was written.

    Which steps were built and which were cached is not worth a new report: that of the run that did the work says more.

    Raises:
        OSError: If it cannot be written.
    """
    mark = _MARK.format(_digest(manifest))
    path = folder / REPORT
    try:
        with path.open(encoding="utf-8") as file:
            if mark in file.read(2000):
                return False
    except (OSError, ValueError):
        pass
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(report(manifest, folder), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def report(manifest: Mapping[str, Any], folder: Path) -> str:
    """The page of a build.

    Args:
        manifest: The build's manifest.
        folder: Its build folder; from there come the files that the manifest names, and nothing else.
    """
    found = builds(manifest, folder)
    budget = _PICTURES // len(found)
    parts = [(built, _sections(built, budget)) for built in found]
    return page(
        "build.html.j2",
        title=f"{manifest['recipe']}: build report",
        manifest=manifest,
        mark=_MARK.format(_digest(manifest)),
        toolchain=toolchain(manifest),
        alerts=alerts(manifest),
        pipeline=svg(nodes(manifest["steps"]), f"The steps of {manifest['recipe']}, from left to right"),
        entries=[{"built": built, "tiles": tiles(built), "sections": sections} for built, sections in parts],
        comparison=figures_section(found) if len(found) > 1 else None,
        steps=steps(manifest),
        provenance=provenance(manifest, found[0]),
        charts=available(),
    )


def _sections(built: Built, budget: int) -> list[Section]:
    """All that is known of one entry of the matrix, in the order of the page."""
    found = (
        accuracy(built), ladder(built), pictures(built, 3 * budget // 4), layers(built, budget // 4), graph(built),
        board(built), estimate(built), config(built),
    )  # fmt: skip
    return [section for section in found if section]


def _digest(manifest: Mapping[str, Any]) -> str:
    told: Sequence[Any] = [
        {**entry, "status": entry["status"] if entry["status"] in ("failed", "skipped") else "done"}
        for entry in manifest["steps"]
    ]
    text = json.dumps({**manifest, "steps": told, "charts": available()}, sort_keys=True)
    return sha256(text.encode()).hexdigest()
