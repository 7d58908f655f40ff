"""What is known of the models of shipped recipes: ``published()["segformer-b0-ade-512x512"]["costs"]``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "models.yaml"


@cache
def published() -> Mapping[str, Mapping[str, Any]]:
    """By the recipe's name, where they are known, ``accuracy`` (words) and ``costs`` (the fields of ``Costs``)."""
    import yaml

    rows: Mapping[str, Mapping[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return rows
