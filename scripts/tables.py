"""Writes the tables of documentation that are made from rows of the code: ``python -m scripts.tables``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts import exit_codes, metric_reference, model_reference, recipe_reference, rewrite_reference

DOCS = Path(__file__).resolve().parents[1] / "docs"

TABLES: Mapping[str, Callable[[], str]] = {
    "accuracy.md": metric_reference.table,
    "exit-codes.md": exit_codes.table,
    "graphs.md": rewrite_reference.table,
    "models.md": model_reference.table,
    "recipes.md": recipe_reference.table,
}
"""What makes each table, by the page that it is on."""


def with_table(page: str, table: str) -> str:
    """``page`` with ``table`` in place of the one that has the same head.

    Raises:
        ValueError: If the page has no such table.
    """
    lines = page.split("\n")
    first = last = lines.index(table.partition("\n")[0])
    while lines[last].startswith("|"):
        last += 1
    return "\n".join([*lines[:first], table, *lines[last:]])


def write() -> None:
    """Write all of them."""
    for name, table in TABLES.items():
        path = DOCS / name
        path.write_text(with_table(path.read_text(encoding="utf-8"), table()), encoding="utf-8")


if __name__ == "__main__":
    write()
