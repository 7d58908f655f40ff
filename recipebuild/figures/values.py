"""Figures as the JSON values of a manifest, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Figures = TypeVar("Figures", bound=DataclassInstance)

_FLAT = "flat"


def others() -> Any:
    """A field for a mapping whose names stand among the figures themselves; it reads back what no other field names."""
    return field(default_factory=dict, metadata={_FLAT: True})


def as_json(figures: DataclassInstance) -> dict[str, Any]:
    """The figures by name, in the order of the fields; a field with a default is left out where it has that."""
    values: dict[str, Any] = {}
    for each in fields(figures):
        value = getattr(figures, each.name)
        if each.metadata.get(_FLAT):
            values |= value
        elif each.default is MISSING or value != each.default:
            values[each.name] = value
    return values


def read_figures(kind: type[Figures], metrics: Mapping[str, Any]) -> Figures | None:
    """The figures of a step; ``None`` if some are not there, as of a step that failed, or in another version."""
    known = {each.name: each for each in fields(kind)}
    flat = next((name for name, each in known.items() if each.metadata.get(_FLAT)), None)
    if any(_is_needed(each) and name not in metrics for name, each in known.items()):
        return None
    values = {name: value for name, value in metrics.items() if name in known}
    if flat:
        values[flat] = {name: value for name, value in metrics.items() if name not in known}
    return kind(**values)


def _is_needed(each: Field[Any]) -> bool:
    return each.default is MISSING and not each.metadata.get(_FLAT)
