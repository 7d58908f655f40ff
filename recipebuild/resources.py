"""Where the shipped recipes and templates lie: inside the wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """The folder of shipped files named ``folder`` (``recipes`` or ``templates``), or the file ``constraints.txt``."""
    packed = _PACKAGE / "shipped" / folder
    return packed if packed.exists() else _PACKAGE.parent / folder
