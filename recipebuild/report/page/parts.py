"""What a page is made of: sections with charts and tables. Plain data; ``templates/report/`` says how they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and whether it holds numbers."""

    title: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: What is shown.
        value: What it is sorted by; the text where it is ``None``.
        tone: ``good``, ``bad``, ``muted`` or ``code``; empty for plain.
        title: What is shown when one points at it.
        link: Where it leads; empty for nowhere.
    """

    text: str
    value: float | None = None
    tone: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table; the first cell of each row is its heading.

    Attributes:
        caption: What it shows.
        columns: Its columns.
        rows: Its rows.
        filtered: Whether there is a field that filters rows.
        folded: Whether it is shown on request only.
        chart: Whether the section's first chart follows the table: what is filtered out fades, and points move.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    filtered: bool = False
    folded: bool = False
    chart: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart: an ``<svg>`` element, and what it shows, in one sentence."""

    svg: str
    caption: str


@dataclass(frozen=True)
class PageSection:
    """A part of the page under a heading.

    Attributes:
        id: Its anchor.
        title: Its heading.
        note: A sentence or two above all else.
        lead: Tables that are shown first, over the whole width.
        charts: Shown next, without those that could not be drawn.
        tables: Shown after them.
        more: What else there is, by the name of the template that shows it.
    """

    id: str
    title: str
    note: str = ""
    lead: Sequence[PageTable] = ()
    charts: Sequence[Chart | None] = ()
    tables: Sequence[PageTable] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tile:
    """A figure at the top of the page: what it is, its value, and what it is to be compared with."""

    title: str
    value: str
    note: str = ""
    tone: str = ""


def number(value: float | None, text: str | None = None, tone: str = "") -> Cell:
    """A cell with a number, shown as ``text``; empty without one."""
    if value is None:
        return Cell("")
    return Cell(f"{value:,}" if text is None else text, float(value), tone)
