"""Prints docs/recipes.md's table of fields, made from the schema: ``python -m scripts.recipe_reference``."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from recipebuild.recipe.schema import Recipe


def table() -> str:
    """The table in Markdown: field, default, meaning."""
    rows = ["| field | default | what it says |", "|---|---|---|"]
    by_path: dict[str, FieldInfo] = {}
    for path, field in fields(Recipe):
        by_path.setdefault(path, field)  # a field that selects a variant of its section comes once for each
    for path, field in by_path.items():
        default = field.get_default()
        shown = "required" if default is PydanticUndefined else "none" if default is None else f"`{_yaml(default)}`"
        rows.append(f"| `{path}` | {shown} | {field.description} |")
    return "\n".join(rows)


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field that a recipe may set, with its path; sections are replaced by their fields."""
    for name, field in model.model_fields.items():
        sections = list(_sections(field.annotation))
        if not sections:
            yield f"{prefix}{name}", field
        for section in sections:
            yield from fields(section, f"{prefix}{name}.")


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        if argument is not NoneType:
            yield from _sections(argument)


if __name__ == "__main__":
    print(table())
