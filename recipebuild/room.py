"""Whether there is room for a build: images, disk and memory, looked at before an hour of compilation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from recipebuild.calibration.source import images
from recipebuild.errors import StepError
from recipebuild.recipe.schema import Recipe

DISK = 4 << 30
"""Bytes below which a Pulsar2 build, which leaves several copies of the model, may well fill the disk."""
MEMORY = 24 << 30
"""Bytes of memory that were enough for large networks where 20 GB was not (GitHub onnxsim/onnxsim, scripts/axera)."""


def concerns(recipe: Recipe, store: Path, *, pulsar2: bool) -> list[str]:
    """Sentences for the user, each starting with ``warning:`` or ``note:``; empty if there is room.

    Args:
        recipe: What would be built.
        store: Where it would be kept.
        pulsar2: Whether Pulsar2 would compile here.
    """
    found = []
    if (count := _images(recipe)) is not None and count < recipe.calibration.count:
        found.append(f"warning: calibration.count is {recipe.calibration.count}, but there are only {count} images")
    if not pulsar2:
        return found
    place = next((folder for folder in (store, *store.parents) if folder.exists()), Path("/"))
    free = shutil.disk_usage(place).free
    if free < DISK:
        found.append(f"warning: {free >> 20} MiB are free on the disk of {store}; a Pulsar2 build may need more")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < MEMORY:
        has = f"this machine has {memory >> 30} GiB"
        found.append(f"note: Pulsar2 may need more than 20 GB of memory for large networks, and {has}")
    return found


def _images(recipe: Recipe) -> int | None:
    """How many calibration images there are; ``None`` if that takes long to find out, or is told elsewhere."""
    path = Path(recipe.calibration.path)
    if path.name.endswith((".gz", ".tgz")):
        return None
    try:
        with images(path, recipe.calibration.pattern) as found:
            return len(found)
    except (StepError, OSError):
        return None
