"""Whether there is room for a build: images, disk, memory and file sizes, looked at before an hour of compilation."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.files import walk
from recipebuild.recipe.paths import COMPRESSED
from recipebuild.recipe.schema import Recipe
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.models.families import config_for

DISK = 4 << 30
"""Bytes below which a Pulsar2 build, which leaves several copies of the model, may well fill the disk."""
MEMORY = 24 << 30
"""Bytes of memory that were enough for large networks where 20 GB was not (GitHub onnxsim/onnxsim, scripts/axera)."""

LARGEST = 2 << 30
"""Bytes of the largest ONNX file: it is one protobuf message, and neither Pulsar2 nor the embedded quantizer reads
weights from a second file."""

GRAPH_SHARE, GRAPH_BASE = 3, 1 << 30
"""Most memory that a step on the graph takes: so many times the weights in float32, and so many bytes more. All recipes
that were measured stay below (docs/performance.md, Memory)."""


def concerns(recipe: Recipe, store: Path, *, pulsar2: bool) -> list[str]:
    """Sentences for the user, each starting with ``warning:`` or ``note:``; empty if there is room.

    Args:
        recipe: What would be built.
        store: Where it would be kept.
        pulsar2: Whether Pulsar2 would compile here.
    """
    lines = []
    if (count := _images(recipe)) is not None and count < recipe.calibration.count:
        lines.append(
            f"warning: RB202 calibration.count is {recipe.calibration.count}, but there are only {count} images"
        )
    lines += [f"warning: RB214 {link}" for link in _circles(recipe)]
    if (parameters := _parameters(recipe)) * 4 > LARGEST:
        lines.append(
            f"warning: RB504 {recipe.model.source} has about {parameters / 1e9:.1f} G parameters, "
            f"{parameters * 4 / 1e9:.1f} GB in float32: no toolchain takes an ONNX file over 2 GB, so it builds "
            "up to head, not through compile"
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if parameters and (needed := GRAPH_SHARE * parameters * 4 + GRAPH_BASE) > memory:
        lines.append(
            f"warning: RB510 {recipe.model.source} has about {parameters / 1e9:.1f} G parameters: export and simplify "
            f"may need {needed / 1e9:.1f} GB of memory, and this machine has {memory / 1e9:.1f} GB"
        )
    if not pulsar2:
        return lines
    place = next((folder for folder in (store, *store.parents) if folder.exists()), Path("/"))
    free = shutil.disk_usage(place).free
    if free < DISK:
        lines.append(f"warning: RB505 {free >> 20} MiB are free on the disk of {store}; a Pulsar2 build may need more")
    if memory < MEMORY:
        has = f"this machine has {memory >> 30} GiB"
        lines.append(f"note: RB506 Pulsar2 may need more than 20 GB of memory for large networks, and {has}")
    return lines


def _images(recipe: Recipe) -> int | None:
    """How many calibration images there are; ``None`` if that takes long to find out, or is told elsewhere."""
    path = Path(recipe.calibration.path)
    if recipe.image is None or not recipe.calibration.source or path.name.endswith(COMPRESSED):
        return None
    try:
        with images(path, recipe.calibration.pattern) as members:
            return len(members)
    except (StepError, OSError):
        return None


def _circles(recipe: Recipe) -> list[str]:
    """That links in the folders of the recipe lead in circles, and are left out."""
    folders = {
        "model.source": Path(recipe.model.source) if recipe.model.is_local else None,
        "calibration.source": Path(recipe.calibration.path) if recipe.calibration.source else None,
        "evaluate.dataset": Path(recipe.evaluate.dataset) if recipe.evaluate and recipe.evaluate.dataset else None,
    }
    return [
        f"{field}: {folder / link} leads back to a folder that it is in, and is skipped"
        for field, folder in folders.items()
        if folder and folder.is_dir()
        for link in walk(folder).circles
    ]


def _parameters(recipe: Recipe) -> int:
    """About how many parameters a transformer has: 12 L d^2 (Kaplan et al., "Scaling laws", 2020); 0 if unknown."""
    file = Path(recipe.model.source) / "config.json"
    try:
        config = (
            json.loads(file.read_text(encoding="utf-8")) if recipe.model.is_local else config_for(recipe.model.source)
        )
    except (OSError, ValueError):
        return 0
    return max((_by_sizes(part) for part in _sections(config)), default=0)


def _by_sizes(config: dict[str, Any]) -> int:
    layers, width = config.get("num_hidden_layers"), config.get("hidden_size")
    return 12 * layers * width**2 if isinstance(layers, int) and isinstance(width, int) else 0


def _sections(config: Any) -> list[dict[str, Any]]:
    """The configuration, and those of its parts: a backbone, a vision tower."""
    if not isinstance(config, dict):
        return []
    return [config, *(part for value in config.values() for part in _sections(value))]
