"""What kind of depth a model gives, by its config.json; no model is loaded to tell."""

from __future__ import annotations

import json
from pathlib import Path


def depth_kind(folder: Path) -> str:
    """``relative`` for models whose depth is inverse, up to scale and shift, by their config.json; else ``metric``."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    usual = {"depth_anything": "relative", "dpt": "relative"}.get(config.get("model_type"), "metric")
    return str(config.get("depth_estimation_type") or usual)
