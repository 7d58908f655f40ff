"""The layers of a recipe, from the first base to the last ``--set``: merged, and asked who wrote a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from recipebuild.recipe.problems import FieldPath, Place

DEFAULTS: dict[str, Any] = {"head": {"kind": "argmax"}}
"""Below all layers: which head it is, for recipes that only set a field of it."""


class RecipeLayer(Protocol):
    """Something that sets values: a file, an entry of the matrix, a ``--set``."""

    @property
    def data(self) -> dict[str, Any]:
        """The values that it sets."""

    def locate(self, path: FieldPath, *, key: bool = False) -> Place | None:
        """Where it sets the value at ``path`` (or the key of it); ``None`` if it does not."""


def merged(layers: Sequence[RecipeLayer]) -> dict[str, Any]:
    """The values of all layers, the last one winning: mappings are merged, lists and scalars replaced."""
    data = DEFAULTS
    for layer in layers:
        data = merge(data, layer.data)
    return data


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` on top; neither is changed. A mapping of another ``kind`` replaces the one below."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if (
            isinstance(value, dict)
            and isinstance(below, dict)
            and value.get("kind", below.get("kind")) == below.get("kind")
        ):
            result[key] = merge(below, value)
        else:
            result[key] = value
    return result


def place(layers: Sequence[RecipeLayer], path: FieldPath, *, key: bool = False) -> Place:
    """Where the value at ``path`` was written last; if it was not, where the nearest mapping around it was."""
    for length in range(len(path), -1, -1):
        for layer in reversed(layers):
            if written := layer.locate(path[:length], key=key or length < len(path)):
                return written
    return Place("recipe")
