"""Where each value of a Pulsar2 configuration was written: the recipe's field, and its file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipebuild.engine.record import Blob
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.facts.fields import config_field, config_leaves
from recipebuild.recipe.problems import Place
from recipebuild.resources import has_user_templates
from recipebuild.session import Job


def config_sources(job: Job, step: Step, config: Blob, store: Store) -> dict[str, Any]:
    """By the value's path, ``{"field", "place"}``; ``place`` is ``None`` for a default of the recipe's.

    Values that no field decides are left out. With templates of the user's nothing is known, and the result is empty.

    Args:
        job: The recipe.
        step: Its step configure.
        config: What that wrote.
        store: Where that lies.

    Raises:
        OSError: If it cannot be read.
    """
    if has_user_templates(step.inputs):
        return {}
    values = json.loads(store.path(config).read_text(encoding="utf-8"))
    sources: dict[str, Any] = {}
    places: dict[str, str | None] = {}
    for path, _ in config_leaves(values):
        if field := config_field(path, step.params["overrides"]):
            if field not in places:
                place = job.place(step, field)
                places[field] = _place_text(place) if place else None
            sources[path] = {"field": field, "place": places[field]}
    return sources


def _place_text(place: Place) -> str:
    """A place in the same words wherever a run is started: the file with its folder, and the line; or ``--set ...``."""
    if not place.line:
        return place.origin
    return f"{'/'.join(Path(place.origin).absolute().parts[-2:])}:{place.line}"
