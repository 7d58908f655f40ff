"""``report(manifest, folder)``: the page of a build, as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.report.page.accuracy import accuracy
from recipebuild.report.page.built import Built, builds
from recipebuild.report.page.compare import figures_section
from recipebuild.report.page.config import config
from recipebuild.report.page.graph import graph
from recipebuild.report.page.ladder import ladder
from recipebuild.report.page.layers import layers
from recipebuild.report.page.limits import limits
from recipebuild.report.page.parts import PageSection
from recipebuild.report.page.pictures import pictures
from recipebuild.report.page.provenance import provenance, steps
from recipebuild.report.page.shell import page
from recipebuild.report.page.speed import board, estimate
from recipebuild.report.page.summary import alerts, tiles
from recipebuild.report.page.written import available, mark
from recipebuild.report.pipeline.nodes import nodes
from recipebuild.report.pipeline.svg import svg
from recipebuild.report.summary import toolchain

_PICTURES = 2_400_000
"""Bytes of pictures in a page: a third more as text, with the rest under 5 MB."""


def report(manifest: Mapping[str, Any], folder: Path, base: str = "") -> str:
    """The page of a build.

    Args:
        manifest: The build's manifest.
        folder: Its build folder; from there come the files that the manifest names, and nothing else.
        base: Where that folder is, as seen from the page: empty if the page lies in it, or else ending in a slash.
    """
    entries = builds(manifest, folder)
    budget = _PICTURES // len(entries)
    parts = [(built, _sections(built, budget)) for built in entries]
    return page(
        "build.html.j2",
        title=f"{manifest['recipe']}: build report",
        manifest=manifest,
        mark=mark(manifest),
        toolchain=toolchain(manifest),
        alerts=alerts(manifest),
        pipeline=svg(nodes(manifest["steps"]), f"The steps of {manifest['recipe']}, from left to right"),
        entries=[{"built": built, "tiles": tiles(built), "sections": sections} for built, sections in parts],
        comparison=figures_section(entries) if len(entries) > 1 else None,
        steps=steps(manifest, base),
        provenance=provenance(manifest, entries[0], base),
        charts=available(),
    )


def _sections(built: Built, budget: int) -> list[PageSection]:
    """All that is known of one entry of the matrix, in the order of the page."""
    sections = (
        accuracy(built), limits(built), ladder(built), pictures(built, 3 * budget // 4), layers(built, budget // 4),
        graph(built), board(built), estimate(built), config(built),
    )  # fmt: skip
    return [section for section in sections if section]
