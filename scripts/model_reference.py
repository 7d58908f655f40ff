"""Prints docs/models.md's table of shipped recipes: ``python -m scripts.model_reference``."""

from __future__ import annotations

from recipebuild.report.catalog import COLUMNS, cells
from recipebuild.verbs.models import models


def table() -> str:
    """The table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---:|---:|---:|---:|---|"]
    for row in models()["models"]:
        name, *rest = cells(row)
        lines.append(f"| `{name}` | {' | '.join(rest)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
