"""Takes pictures of a command in a terminal: runs it in a pseudo-terminal, and draws the screen as SVG."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Any

_EVERY = 0.5
"""Seconds between two looks at the screen while something moves."""

_HOLD, _LAST = 1.2, 6.0
"""Seconds for which the recording shows a screen, and the last one."""


@dataclass(frozen=True)
class Terminal:
    """The size of the terminal, in characters."""

    columns: int = 100
    lines: int = 28


def screens(
    command: Sequence[str], typed: str, terminal: Terminal, cwd: Path, environment: Mapping[str, str], at_most: int = 12
) -> list[list[str]]:
    """Run a command in a pseudo-terminal, in which ``typed`` stands already.

    Returns:
        The screen as it changed, at most ``at_most`` times, evenly chosen, the last one included; each as its lines,
        with ANSI colours.

    Raises:
        RuntimeError: If the command fails.
    """
    import pyte

    screen = pyte.Screen(terminal.columns, terminal.lines)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", terminal.lines, terminal.columns, 0, 0))
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(environment), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    stream.feed(f"{typed}\r\n".encode())
    taken = [_drawn(screen)]
    looked = 0.0
    while True:
        ready, _, _ = select.select([ours], [], [], _EVERY)
        if ready:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not chunk:
                break
            stream.feed(chunk)
        if time.monotonic() - looked >= _EVERY:
            looked = time.monotonic()
            _take(taken, _drawn(screen))
    _take(taken, _drawn(screen))
    os.close(ours)
    if process.wait():
        raise RuntimeError(f"{' '.join(command)} left with {process.returncode}:\n" + "\n".join(taken[-1]))
    last = len(taken) - 1
    return [taken[round(i * last / (at_most - 1))] for i in range(at_most)] if last >= at_most else taken


def moving(frames: Sequence[Sequence[str]], title: str, terminal: Terminal) -> str:
    """One SVG that shows the frames one after the other, by CSS alone; where motion is not wanted, the last one."""
    pictures = [still(lines, title, terminal, f"f{number}") for number, lines in enumerate(frames)]
    total = _HOLD * (len(frames) - 1) + _LAST
    style = ["g[id^=p] { visibility: hidden }", f"#p{len(frames) - 1} {{ visibility: visible }}"]
    moves = [f"#p{n} {{ animation: k{n} {total:.1f}s step-end infinite }}" for n in range(len(frames))]
    for n in range(len(frames)):
        start, end = (100 * _HOLD * (n + i) / total for i in (0, 1))
        hidden = f"{end:.3f}% {{ visibility: hidden }}" if n < len(frames) - 1 else ""
        before = "0% { visibility: hidden } " if n else ""
        style.append(f"@keyframes k{n} {{ {before}{start:.3f}% {{ visibility: visible }} {hidden} }}")
    style.append(f"@media (prefers-reduced-motion: no-preference) {{ {' '.join(moves)} }}")
    inside = [picture.partition(">")[2].rpartition("</svg>")[0] for picture in pictures]
    bodies = [f'<g id="p{n}">{body}</g>' for n, body in enumerate(inside)]
    return "\n".join([pictures[-1].partition(">")[0] + ">", f"<style>{' '.join(style)}</style>", *bodies, "</svg>", ""])


def still(lines: Sequence[str], title: str, terminal: Terminal, unique: str) -> str:
    """One screen as SVG."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        record=True, width=terminal.columns, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in [*lines, *[""] * (terminal.lines - len(lines))]:
        console.print(Text.from_ansi(line), no_wrap=True, overflow="crop")
    drawn = console.export_svg(title=title, unique_id=unique)
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S)  # they are on a server: the picture needs no network


def _take(taken: list[list[str]], lines: list[str]) -> None:
    if any(lines) and (not taken or taken[-1] != lines):
        taken.append(lines)


def _drawn(screen: Any) -> list[str]:
    """The lines of a screen, with ANSI colours, without what is empty at their end."""
    lines = []
    for y in range(screen.lines):
        row = screen.buffer[y]
        lines.append("".join(_cell(row[x]) for x in range(screen.columns)).rstrip())
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


_COLOURS = {"black": 30, "red": 31, "green": 32, "brown": 33, "blue": 34, "magenta": 35, "cyan": 36, "white": 37}


def _cell(cell: Any) -> str:
    codes = ["1"] if cell.bold else []
    if cell.fg in _COLOURS:
        codes.append(str(_COLOURS[cell.fg]))
    elif cell.fg != "default":  # six hexadecimal digits
        codes.append("38;2;" + ";".join(str(channel) for channel in bytes.fromhex(cell.fg)))
    return f"\x1b[{';'.join(codes)}m{cell.data}\x1b[0m" if codes else str(cell.data)
