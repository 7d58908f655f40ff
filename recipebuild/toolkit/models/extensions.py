"""Families from other packages: Python entry points of the group ``recipebuild.families``.

Each is a ``Family``: architectures for builds without a download, and model classes that transformers does not have.
docs/extending.md shows one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from recipebuild.errors import StepError

GROUP = "recipebuild.families"


@dataclass(frozen=True)
class Family:
    """What a package adds.

    Attributes:
        name: Of the family.
        architectures: As an entry in families.yaml: ``config``, ``sizes``, ``hubs``; may be empty.
        labels: Named sets of classes, as in families.yaml, for its hubs.
        register: Called before a model is loaded; registers classes with transformers (``AutoConfig.register`` and so
            on). It may import torch and transformers; the module itself should not.
    """

    name: str
    architectures: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    register: Callable[[], None] | None = None


@cache
def families() -> tuple[Family, ...]:
    """The families that installed packages add, by name.

    Raises:
        StepError: If an entry point cannot be loaded, or is no Family.
    """
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            family = point.load()
        except Exception as error:  # somebody else's code
            raise StepError(f"the entry point {point.value} ({GROUP}) cannot be loaded: {error}") from error
        if not isinstance(family, Family):
            raise StepError(
                f"the entry point {point.value} ({GROUP}) is no recipebuild.toolkit.models.extensions.Family"
            )
        found.append(family)
    return tuple(found)


@cache
def register_models() -> None:
    """Make transformers know the model classes that installed packages add."""
    for family in families():
        if family.register is not None:
            family.register()
