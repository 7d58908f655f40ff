"""What is wrong with a recipe, where, and what to do about it: one report with all problems, not the first only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recipebuild.errors import RecipeError

FieldPath = tuple[str | int, ...]
"""Keys and list indices from the top of a recipe to a value."""

WIDTH = 100
"""Longest piece of a source line that is shown."""


@dataclass(frozen=True)
class Place:
    """Where a value was written.

    Attributes:
        origin: The file as the user would name it, or ``--set a.b=value``.
        line: From 1; 0 where there is none (``--set``, a file that cannot be read).
        column: From 1.
        source: The line's text.
        written: The value as it was written there.
    """

    origin: str
    line: int = 0
    column: int = 0
    source: str = ""
    written: str = ""

    def __str__(self) -> str:
        return f"{self.origin}:{self.line}:{self.column}" if self.line else self.origin


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``field`` (dotted, may be empty), what, where, and what was expected in its place."""

    field: str
    message: str
    place: Place
    remedy: str = ""

    def __str__(self) -> str:
        lines = [": ".join(filter(None, (str(self.place), self.field, self.message)))]
        if self.place.source:
            number = f"{self.place.line:>6} | "
            start = max(0, self.place.column - WIDTH + 10)
            lines.append(number + printable(self.place.source[start : start + WIDTH]))
            lines.append(" " * 7 + "| " + " " * (self.place.column - 1 - start) + "^")
        lines.extend(f"    {line}" for line in self.remedy.splitlines())
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON values; ``line`` and ``column`` are 0 where there are none."""
        return {
            "origin": self.place.origin,
            "line": self.place.line,
            "column": self.place.column,
            "source": printable(self.place.source),
            "field": self.field,
            "message": self.message,
            "remedy": self.remedy,
        }


class RecipeProblems(RecipeError):  # noqa: N818 - it is a list of them
    """The recipe is wrong; the message is the whole report.

    Args:
        problems: At least one; doubles are dropped, and those of one file are put in the order of its lines.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = list(dict.fromkeys(problems))
        first_seen = {p.place.origin: i for i, p in reversed(list(enumerate(unique)))}
        unique.sort(key=lambda p: (first_seen[p.place.origin], p.place.line, p.place.column))
        super().__init__("\n".join(map(str, unique)))
        self.problems = unique


def printable(text: str) -> str:
    """``text`` without characters that would move the cursor or colour the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def shorten(text: str, width: int = 60) -> str:
    """``text`` on one line, cut to ``width`` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"
