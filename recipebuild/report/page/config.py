"""The section on Pulsar2's configuration: each value, and where it was written."""

from __future__ import annotations

import json

from recipebuild.facts.fields import config_leaves
from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import Cell, Column, PageSection, PageTable


def config(built: Built) -> PageSection | None:
    """The configuration of ``pulsar2 build``; ``None`` if the build has none."""
    values = built.json("configure", "pulsar2.json")
    if not isinstance(values, dict):
        return None
    origins = (built.step("configure") or {}).get("origins", {})
    rows = []
    for path, value in config_leaves(values):
        origin = origins.get(path, {})
        place = origin.get("place") or ("default" if origin else "set by the build" if origins else "")
        rows.append([
            Cell(path, tone="code"),
            Cell(json.dumps(value, ensure_ascii=False), tone="code"),
            Cell(origin.get("field", ""), tone="code"),
            Cell(place, tone="" if origin.get("place") else "muted"),
        ])  # fmt: skip
    columns = [Column("field of pulsar2.json"), Column("value"), Column("recipe field"), Column("set in")]
    note = "Every other field has Pulsar2's default."
    return PageSection(
        "config",
        "Pulsar2 configuration",
        note,
        tables=[PageTable("Values and their origins", columns, rows, filtered=True)],
    )
