"""The section on limits: each figure that the recipe limits, beside what it may come to."""

from __future__ import annotations

from recipebuild.figures.judged import Judged
from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import Cell, Column, PageSection, PageTable, number

_COLUMNS = [Column("figure"), Column("value", True), Column("limit", True), Column("field"), Column("verdict")]


def limits(built: Built) -> PageSection | None:
    """What the steps judge and judge-board found; ``None`` if the recipe limits nothing."""
    judgements = (built.figures(Judged, step) for step in ("judge", "judge-board"))
    checks = [check for judged in judgements if judged for check in judged.checks]
    if not checks:
        return None
    rows = []
    for check in checks:
        verdict = Cell("passed") if check["passed"] else Cell("falls short", tone="bad")
        rows.append(
            [
                Cell(check["figure"]),
                number(check["value"], f"{check['value']:.6g}"),
                number(check["limit"], f"{check['bound']} {check['limit']:g}"),
                Cell(check["field"], tone="code"),
                verdict,
            ]
        )
    return PageSection("limits", "Limits", tables=[PageTable("Figures and their limits", _COLUMNS, rows)])
