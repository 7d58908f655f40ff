"""The fields that a recipe may have, by dotted path: for suggestions and expectations in error messages."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from recipebuild.recipe.problems import FieldPath
from recipebuild.recipe.schema import RecipeFile


@functools.cache
def all_fields() -> dict[tuple[str, ...], FieldInfo]:
    """Every field of a recipe; of a union, the fields of all its members."""
    return dict(_walk(RecipeFile, ()))


def _walk(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, info in model.model_fields.items():
        yield (*path, name), info
        for section in _sections(info.annotation):
            yield from _walk(section, (*path, name))


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, through ``Annotated``, unions and ``None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def expected(path: FieldPath) -> str:
    """What the field at ``path`` (or the list that it is an item of) is for, with its unit; empty if unknown."""
    info = all_fields().get(tuple(part for part in path if isinstance(part, str)))
    return f"expected: {info.description}" if info and info.description else ""


def suggest(path: FieldPath) -> tuple[str, str | None]:
    """What an unknown field was meant to be: words for the user, and the sibling field, if it is that."""
    *parent, name = (str(part) for part in path)
    siblings = [p[-1] for p in all_fields() if p[:-1] == tuple(parent)]
    elsewhere = [".".join(p) for p in all_fields() if p[-1] == name]
    if name in siblings:  # of another member of a union
        return f"`{name}` has no meaning for this `kind`", None
    if elsewhere:
        return f"did you mean `{'` or `'.join(elsewhere)}`?", None
    if close := closest(name, siblings):
        return f"did you mean `{close}`?", close
    where = f"`{'.'.join(parent)}`" if parent else "a recipe"
    return (f"the fields of {where} are: {', '.join(siblings)}" if siblings else ""), None


def closest(name: str, names: list[str]) -> str | None:
    """The name of ``names`` that ``name`` is nearest to, whatever the case of letters; ``None`` if none is near."""
    import difflib

    by_lower = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name.lower(), list(by_lower), n=1)
    return by_lower[near[0]] if near else None
