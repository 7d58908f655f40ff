"""Warnings and notes on a build, each with the code of its rule, and those that the recipe answers.

They are lines: ``warning: lint: RB402 AX650: Einsum ...``, from the level, the step where one says it, the rule's code
and the text. Where the recipe ignores the rule, the level is ``ignored`` and the reason comes last, in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

_LINE = re.compile(
    r"(?P<level>warning|note|ignored): (?:(?P<step>[a-z-]+): )?(?P<code>RB\d{3}) (?P<text>.*)", re.DOTALL
)


@dataclass(frozen=True)
class Note:
    """A line with a code, taken apart.

    Attributes:
        code: The rule's: ``RB402``.
        level: ``warning`` or ``note``; ``ignored`` where the recipe says why it does not matter.
        step: The step that says it; empty if none does.
        text: What it says.
        reason: Why it does not matter; empty unless it is ignored.
    """

    code: str
    level: str
    step: str
    text: str
    reason: str = ""

    def __str__(self) -> str:
        step = f"{self.step}: " if self.step else ""
        return f"{self.level}: {step}{self.code} {self.text}" + (f" ({self.reason})" if self.reason else "")

    def as_json(self) -> dict[str, Any]:
        """What ``manifest.json`` and ``check --json`` have of it."""
        return asdict(self)


def read(line: str, ignore: Mapping[str, str]) -> Note | None:
    """A line taken apart; ``None`` if it has no code.

    Args:
        line: As a step, a check or the engine says it.
        ignore: The recipe's reasons, by code.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    reason = ignore.get(match["code"], "")
    return Note(match["code"], "ignored" if reason else match["level"], match["step"] or "", match["text"], reason)


def answered(lines: Iterable[str], ignore: Mapping[str, str]) -> tuple[list[str], list[Note]]:
    """The lines as the recipe's ``check.ignore`` leaves them, ignored ones last; and those with a code, taken apart."""
    shown: list[str] = []
    ignored: list[str] = []
    coded: list[Note] = []
    for line in dict.fromkeys(lines):
        note = read(line, ignore)
        coded += [note] if note else []
        (ignored if note and note.reason else shown).append(str(note) if note else line)
    return shown + ignored, coded
