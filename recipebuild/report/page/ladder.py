"""The section on where accuracy is lost: a rung for each thing that the model goes through.

Reads ``ladder.json`` of the step ladder, which has its figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recipebuild.facts.metrics import metric_title
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.values import read_figures
from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import Cell, Column, PageSection, PageTable, number
from recipebuild.report.page.quantities import change_text, is_worse, metric_text


def ladder(built: Built) -> PageSection | None:
    """The rungs; ``None`` if the build did not climb them."""
    content = built.json("ladder", "ladder.json")
    figures = read_figures(Ladder, content) if isinstance(content, Mapping) else None
    if figures is None or not figures.rows:
        return None
    compared = f"Measured on {figures.images} {built.fed}, each stage compared with the one before."
    note = f"{figures.verdict}\n{compared} {figures.compared_on(built.fed)}".rstrip()
    tables = [_table("Stage by stage", figures.rows, figures.metric)]
    on_board = read_figures(Ladder, built.deployed.ladder) if built.deployed and built.deployed.ladder else None
    if on_board:
        tables.append(_table("Quantization, compiler and firmware", on_board.rows, on_board.metric))
        last = on_board.rows[-1]
        same = f"{100 * last['bytes_same']:.2f} % of its output's bytes are those of NPUBackend"
        note += (
            f"\nOn the board: {on_board.verdict} {same}; {last['images_same']} of {on_board.images} images are equal."
        )
    return PageSection("ladder", "Where accuracy is lost", note, tables=tables)


def _table(title: str, rows: Sequence[Mapping[str, Any]], metric: str) -> PageTable:
    columns = [
        Column("stage"), Column(metric_title(metric), True), Column("change", True), Column("95 % interval", True),
        Column("same class", True), Column("cosine", True), Column("SNR", True), Column("largest error", True),
    ]  # fmt: skip
    cells = []
    for row in rows:
        cells.append([
            Cell(row["title"]),
            number(row.get(metric), metric_text(metric, row[metric]) if metric in row else ""),
            _change(row, metric),
            _interval(row.get("change_interval"), metric),
            _shown(row.get("same"), lambda value: f"{100 * value:.2f} %"),
            _shown(row.get("cosine_before"), lambda value: f"{value:.6f}"),
            _shown(row.get("snr_before"), lambda value: f"{value:.1f} dB" if value <= 100 else "> 100 dB"),
            _shown(row.get("largest_error"), lambda value: f"{value:.1e}"),
        ])  # fmt: skip
    return PageTable(title, columns, cells)


def _change(row: Mapping[str, Any], metric: str) -> Cell:
    if "change" not in row:
        return Cell("")
    noise = row.get("within_noise")
    tone = "muted" if noise else "bad" if is_worse(metric, row["change"]) else "good"
    text = change_text(metric, row["change"])
    return Cell(f"{text} (noise)" if noise and row["change"] else text, row["change"], tone)


def _interval(bounds: Sequence[float] | None, metric: str) -> Cell:
    if not bounds:
        return Cell("")
    return Cell(f"{change_text(metric, bounds[0])} … {change_text(metric, bounds[1])}", bounds[0], "muted")


def _shown(value: float | None, text: Any) -> Cell:
    return number(value, None if value is None else text(value))
