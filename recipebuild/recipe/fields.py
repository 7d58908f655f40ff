"""The fields that a recipe may have, by dotted path: for suggestions and expectations in error messages."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from recipebuild.recipe.problems import FieldPath
from recipebuild.recipe.schema import RecipeFile


@functools.cache
def all_fields() -> dict[tuple[str, ...], FieldInfo]:
    """Every field of a recipe; of a union, the fields of all its members."""
    return {path: infos[0] for path, infos in _members().items()}


def values(path: tuple[str, ...]) -> list[str]:
    """The words that the field at ``path`` may have, where they are few; of a union, those of all its members."""
    words: dict[str, None] = {}
    for info in _members().get(path, ()):
        joined = get_origin(info.annotation) in (Union, UnionType)
        for option in get_args(info.annotation) if joined else (info.annotation,):
            if get_origin(option) is Literal:
                words |= dict.fromkeys(str(word) for word in get_args(option))
        if info.annotation is bool:
            words |= {"true": None, "false": None}
    return list(words)


def default(path: tuple[str, ...]) -> str:
    """What the field at ``path`` is where no recipe says it, in words; ``required`` where one must."""
    value = all_fields()[path].get_default(call_default_factory=True, validated_data={})
    if path == ("name",):
        return "the recipe's file name"  # `load` fills it in
    if value is PydanticUndefined or path in _MOSTLY:
        return "required"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_MOSTLY = {("input",), ("calibration",), ("calibration", "source")}
"""Fields without a default that recipes with ``inputs`` do not need."""


@functools.cache
def _members() -> dict[tuple[str, ...], list[FieldInfo]]:
    """Of each field what every member of a union says of it."""
    members: dict[tuple[str, ...], list[FieldInfo]] = {}
    for path, info in _walk(RecipeFile, ()):
        members.setdefault(path, []).append(info)
    return members


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
    elsewhere = [".".join(p) for p in all_fields() if p[-1] == name and p[0] != "inputs"]
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
