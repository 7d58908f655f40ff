"""The commands that the documentation shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PAGES = [ROOT / "docs" / "tutorial.md"]
PAGES += [
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "AGENTS.md",
]
PAGES += [p for p in sorted((ROOT / "docs").rglob("*.md")) if p not in PAGES]
"""Every page, the tutorial first, whose commands build on each other."""

_FENCE = re.compile(r" *```(\w*)")
_SHELL = ("sh", "console")
_INDENTED = re.compile(r" {4,}((?:[A-Z_]+=\S+ )?recipebuild .*)")


@dataclass(frozen=True)
class Documented:
    """A command, without the comment behind it, and where it is shown."""

    text: str
    place: str

    @property
    def verb(self) -> str:
        """``cache push`` of ``recipebuild cache push``; the program, where that is another one."""
        words = [word for word in self.text.split() if not re.fullmatch(r"[A-Z_]+=\S+", word)]
        if words[0] != "recipebuild":
            return words[0]
        return " ".join(words[1:3]) if words[1] in ("board", "bundle", "cache") else words[1]


def documented() -> list[Documented]:
    """Every command once, in the order of the pages. docs/cli.md has its own test: tests/unit/cli/test_help.py."""
    commands: dict[str, Documented] = {}
    for page in PAGES:
        if page.name == "cli.md" or not page.exists():
            continue
        for number, line in _lines(page.read_text(encoding="utf-8")):
            text = re.sub(r"\s+#\s.*", "", line).strip()
            if text and not text.startswith("#"):
                commands.setdefault(text, Documented(text, f"{page.relative_to(ROOT)}:{number}"))
    return list(commands.values())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    language: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if fence:
            language = fence[1] if language is None else None
        elif language in _SHELL:
            yield number, line
        elif language is None and (match := _INDENTED.fullmatch(line)):
            yield number, match[1]
