"""What others published of Pulsar2, in a folder ``shared`` beside the project, or beside one that holds it."""

from __future__ import annotations

from pathlib import Path


def public(name: str) -> Path:
    """The folder of that name; one that does not exist if it is not at hand, so that tests skip without it."""
    above = [parent / "shared" / name for parent in Path(__file__).resolve().parents[3:]]
    return next((folder for folder in above if folder.is_dir()), above[0])
