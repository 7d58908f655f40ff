"""``matrix``: one recipe, several builds, one for each combination of its values."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recipebuild.recipe.fields import all_fields, suggest
from recipebuild.recipe.layers import RecipeLayer, place
from recipebuild.recipe.problems import FieldPath, Place, Problem

MAX_BUILDS = 256
NOT_VARIED = ("extends", "matrix", "name")


@dataclass(frozen=True)
class Axis:
    """One field that is varied: as it is written (``target.npu_mode``), its path, and its values."""

    field: str
    path: tuple[str, ...]
    values: list[Any]


@dataclass(frozen=True)
class Choice:
    """One value for each axis: a layer on top of the files that wrote the matrix."""

    data: dict[str, Any]
    label: str
    picks: tuple[tuple[Axis, int], ...]
    files: tuple[RecipeLayer, ...]

    def locate(self, path: FieldPath, *, key: bool = False) -> Place | None:
        """Where the matrix gives the value at ``path``."""
        for axis, index in self.picks:
            if path[: len(axis.path)] == axis.path:
                inside = ("matrix", axis.field, index, *path[len(axis.path) :])
                return next((p for f in reversed(self.files) if (p := f.locate(inside, key=key))), None)
        return None


def choices(
    matrix: Any, files: Sequence[RecipeLayer], settings: Sequence[RecipeLayer]
) -> tuple[list[Choice], list[Problem]]:
    """All combinations, in the order in which they are written, and what is wrong with the matrix.

    Args:
        matrix: The recipe's ``matrix``; ``None`` gives one choice, which sets nothing.
        files: The layers that may have written it.
        settings: The ``--set`` options. They win: an axis that one of them sets is left out.
    """
    if matrix is None:
        return [Choice({}, "", (), ())], []
    if not isinstance(matrix, dict):
        return [], [
            _problem(
                files, ("matrix",), "must be a mapping of fields to lists", "matrix: {target.npu_mode: [NPU1, NPU3]}"
            )
        ]
    problems = [problem for field, values in matrix.items() for problem in _check(field, values, files)]
    if problems:
        return [], problems
    axes = [Axis(field, tuple(field.split(".")), values) for field, values in matrix.items()]
    axes = [axis for axis in axes if not any(_sets(s.data, axis.path) for s in settings)]
    builds = math.prod(len(axis.values) for axis in axes)
    if builds > MAX_BUILDS:
        return [], [_problem(files, ("matrix",), f"makes {builds} builds, more than {MAX_BUILDS}", "split the recipe")]
    labels = [_labels(axis, axes) for axis in axes]
    combinations = itertools.product(*(range(len(axis.values)) for axis in axes))
    return [_choice(tuple(zip(axes, picks, strict=True)), labels, files) for picks in combinations], []


def _choice(picks: tuple[tuple[Axis, int], ...], labels: list[list[str]], files: Sequence[RecipeLayer]) -> Choice:
    data: dict[str, Any] = {}
    for axis, index in picks:
        inner = data
        for part in axis.path[:-1]:
            inner = inner.setdefault(part, {})
        inner[axis.path[-1]] = axis.values[index]
    label = ",".join(texts[index] for texts, (_, index) in zip(labels, picks, strict=True))
    return Choice(data, label, picks, tuple(files))


def _check(field: str, values: Any, files: Sequence[RecipeLayer]) -> Iterator[Problem]:
    path = tuple(field.split("."))
    if path not in all_fields() or path[0] in NOT_VARIED:
        words, sibling = suggest(path)
        remedy = f"did you mean `{'.'.join((*path[:-1], sibling))}`?" if sibling else words
        remedy = "it cannot be varied" if path[0] in NOT_VARIED else remedy
        yield _problem(files, ("matrix", field), "unknown field", remedy, key=True)
    elif not isinstance(values, list) or not values:
        yield _problem(files, ("matrix", field), "must be a list of one or more values", "such as [NPU1, NPU3]")
    else:
        for i, value in enumerate(values):
            if any(_same(value, other) for other in values[:i]):
                yield _problem(files, ("matrix", field, i), "this value is in the list twice", "keep one of them")


def _problem(files: Sequence[RecipeLayer], path: FieldPath, message: str, remedy: str, *, key: bool = False) -> Problem:
    field = ".".join(part for part in path if isinstance(part, str))
    return Problem(field, message, place(files, path, key=key), remedy)


def _sets(data: Any, path: tuple[str, ...]) -> bool:
    """Whether ``data`` decides the value at ``path``."""
    for part in path:
        if not isinstance(data, dict):
            return True
        if part not in data:
            return False
        data = data[part]
    return True


def _same(a: Any, b: Any) -> bool:
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def _labels(axis: Axis, axes: Sequence[Axis]) -> list[str]:
    """What to call each value of an axis: ``npu_mode=NPU1``; safe as part of a file name."""
    last = axis.path[-1]
    key = last if sum(other.path[-1] == last for other in axes) == 1 else axis.field
    texts = [_text(value) for value in axis.values]
    if len(set(texts)) < len(texts):
        texts = [f"{text}-{i}" for i, text in enumerate(texts, start=1)]
    return [f"{key}={text}" for text in texts]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(_text, value))
    if isinstance(value, dict):
        return "-".join(f"{k}-{_text(v)}" for k, v in value.items())
    text = value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text.rsplit("/", 1)[-1]).strip("-")[:40] or "empty"
