"""Families from other packages: Python entry points of the group ``recipebuild.families``.

Each is a ``Family``: architectures for builds without a download, and model classes that transformers does not have.
docs/extending.md shows one.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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
def declared() -> Mapping[str, tuple[str, ...]]:
    """The modules in which installed packages declare families, by the distribution's name; none is imported."""
    if not any(_may_declare(place) for place in sys.path):
        return {}
    modules: dict[str, set[str]] = {}
    for point in _entry_points():
        if point.dist is not None:
            modules.setdefault(point.dist.name, set()).add(point.module)
    return {name: tuple(sorted(modules[name])) for name in sorted(modules)}


def _may_declare(place: str) -> bool:
    """Whether something installed in ``place`` may have entry points of the group.

    Every run asks this, and ``importlib.metadata`` takes ten times as long to tell.
    """
    try:
        names = os.listdir(place or ".")  # noqa: PTH208 - a Path for each of them takes twice the time
    except NotADirectoryError:
        return True  # an archive: it is not looked into here
    except OSError:
        return False
    for name in names:
        if name.endswith((".dist-info", ".egg-info", "EGG-INFO")):
            with contextlib.suppress(OSError), open(f"{place or '.'}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123
                if GROUP.encode() in file.read():
                    return True
    return False


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


@cache
def families() -> tuple[Family, ...]:
    """The families that installed packages add, by name.

    Raises:
        StepError: If an entry point cannot be loaded, or is no Family.
    """
    entries = []
    for point in _entry_points():
        try:
            family = point.load()
        except Exception as error:  # somebody else's code
            raise StepError(f"the entry point {point.value} ({GROUP}) cannot be loaded: {error}") from error
        if not isinstance(family, Family):
            raise StepError(
                f"the entry point {point.value} ({GROUP}) is no recipebuild.toolkit.models.extensions.Family"
            )
        entries.append(family)
    return tuple(entries)


@cache
def register_models() -> None:
    """Make transformers know the model classes that installed packages add."""
    for family in families():
        if family.register is not None:
            family.register()
