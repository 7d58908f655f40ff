"""Validation errors in plain words, each at the place where the wrong value was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from recipebuild.recipe.fields import closest, expected, suggest
from recipebuild.recipe.layers import RecipeLayer, place
from recipebuild.recipe.problems import FieldPath, Problem, shorten
from recipebuild.recipe.section import INPUT_NAME, MISSING, NAME, REVISION, TENSOR_NAME

EXAMPLES = {
    "model": "model: {source: owner/name}, or {source: ./folder}, or {source: ./file.onnx}",
    "input": "input: {shape: [1, 3, 512, 512]}",
    "calibration": "calibration: {source: ./images, count: 32}",
    "input.shape": "input: {shape: [1, 3, 640, 1280]}",
}
"""What to write where it is missing."""

KINDS = {"head": ("argmax", "threshold", "none"), "inputs": ("image", "tensor", "tokens")}
"""Of sections with a `kind`, which ones there are."""

CHANNELS = ("input", "shape", 1)
FRACTIONS = (("evaluate", "max_drop"), ("accept", "max_regression"))

PATTERNS = {
    NAME: "may have only letters, digits, `_`, `-` and `.`, and must not start with `.` or `-`",
    INPUT_NAME: "may have only letters, digits, `_`, `-` and `.`, not first, as it names files on the board",
    TENSOR_NAME: "may have only letters, digits, `_` and `-`, as it names files on the board",
    REVISION: "is not a commit, branch or tag",
}

TYPES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "finite_number": "must be a finite number",
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters",
    "greater_than": "must be greater than {gt:.12g}",
    "greater_than_equal": "must be {ge:.12g} or more",
    "less_than_equal": "must be {le:.12g} or less",
    "union_tag_invalid": "must be {kinds}",
    "union_tag_not_found": "must be {kinds}",
}


def problems(error: ValidationError, layers: Sequence[RecipeLayer], data: dict[str, Any]) -> Iterator[Problem]:
    """What pydantic found in ``data``, the merged values of ``layers``."""
    errors = error.errors(include_url=False)
    meant = {(*_path(e)[:-1], suggest(_path(e))[1]) for e in errors if e["type"] == "extra_forbidden"}
    broken = {
        _path(e) for e in errors if e["type"] in ("missing", "too_long", "too_short") and isinstance(e["loc"][-1], int)
    }
    for each in errors:
        path = _path(each)
        if each["type"] == "missing" and any(path[: len(field)] == field for field in meant):
            continue  # it is there, with a typing error in its name, or in that of its section
        if path[:-1] in broken and isinstance(path[-1], int):
            continue  # of a list that is too short or too long, single values tell nothing
        yield _problem(each, path, layers, data)


def _path(error: Any) -> FieldPath:
    """The path of the value, without the names that pydantic adds for the members of a union."""
    path: FieldPath = error["loc"]
    if path and (kinds := KINDS.get(str(path[0]))):
        at = 1 if path[0] == "head" else 2  # behind the number of an entry
        path = tuple(part for i, part in enumerate(path) if i != at or part not in kinds)
        path = (*path, "kind") if error["type"].startswith("union_tag") else path
    if error["type"] == "recipe" and "field" in error["ctx"]:
        path = (*path, *error["ctx"]["field"].split("."))
    return path[:-1] if error["type"] == "missing" and isinstance(path[-1], int) else path


def _problem(error: Any, path: FieldPath, layers: Sequence[RecipeLayer], data: dict[str, Any]) -> Problem:
    kind, context = error["type"], error.get("ctx", {})
    field = ".".join(part for part in path if isinstance(part, str))
    if kind == "extra_forbidden":
        return Problem(field, "unknown field", place(layers, path, key=True), suggest(path)[0])
    if (kind == "missing" and isinstance(error["loc"][-1], str)) or context.get("message") == MISSING:
        example = f"such as {EXAMPLES[field]}" if field in EXAMPLES else ""
        remedy = "\n".join(filter(None, (expected(path), example)))
        return Problem(field, MISSING, place(_own(layers), path[:-1], key=True), remedy)
    at = place(layers, path)
    if kind == "recipe" and context.get("twin"):
        return _taken(field, context, layers)
    if kind == "recipe":
        return Problem(field, context["message"], at, context["remedy"] or expected(path))
    value = _value(data, path)
    got = at.written or shorten(str(value))
    got = "nothing" if value is None and got in ("", "None") else got
    of_list = "each value " if isinstance(path[-1], int) else ""
    subject = "the second value, the channels, " if path == CHANNELS else of_list
    message = f"{subject}{_must(error, path, value)}, got {got}"
    return Problem(field, message, at, _remedy(kind, context, path, value, data))


def _own(layers: Sequence[RecipeLayer]) -> Sequence[RecipeLayer]:
    """The recipe itself, without its bases: what is missing is to be written there."""
    from recipebuild.recipe.document import Document

    documents = [at for at, layer in enumerate(layers) if isinstance(layer, Document)]
    return layers[documents[-1] :] if documents else layers


def _taken(field: str, context: Any, layers: Sequence[RecipeLayer]) -> Problem:
    """Two fields that have one name: told of the one that the recipe itself wrote, if only one of them is."""
    own, other = _own(layers), context["twin"]
    if not any(layer.locate(tuple(field.split("."))) for layer in own):
        field, other = (other, field) if any(layer.locate(tuple(other.split("."))) for layer in own) else (field, other)
    at = place(layers, tuple(field.split(".")))
    return Problem(field, context["message"].removesuffix(context["twin"]) + other, at, context["remedy"])


def _must(error: Any, path: FieldPath, value: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        return f"must be {context['expected'].replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        return PATTERNS[context["pattern"]]
    if kind == "too_short" and not value and path[-1] not in ("mean", "std"):
        return "must not be empty"
    if kind in ("missing", "too_long", "too_short") and isinstance(value, list):
        channels = error.get("ctx", {}).get("max_length") or error.get("ctx", {}).get("min_length") or 3
        return f"must have {4 if path[-1] == 'shape' else channels} values"
    if kind in TYPES:
        *kinds, last = KINDS.get(str(path[0]), ("",))
        return TYPES[kind].format(**context, kinds=f"{', '.join(kinds)} or {last}")
    return str(error["msg"]).replace("Input should be", "must be")


def _remedy(kind: str, context: Any, path: FieldPath, value: Any, data: dict[str, Any]) -> str:
    """What to write in its place."""
    purpose = expected(path)
    if kind in ("int_type", "float_type") and isinstance(value, str) and _is_number(value):
        return "a number is written without quotes"
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return f"text that looks like something else is put in quotes\n{purpose}"
    if kind.startswith("model_") and isinstance(value, str) and re.fullmatch(r"[A-Za-z_]+:\S.*", value):
        return f"a space is missing after the colon: `{value.replace(':', ': ', 1)}`"
    if kind.startswith("model_") and value is None and path != ("head",):
        return f"take the line out, or write its fields below it, indented\n{purpose}"
    if path[:1] == ("inputs",) and path[-1] == "kind":
        return "kind: image for what is made of an image, kind: tensor for what is taken from files as it is"
    if path == ("head", "kind") and value is not None:
        return "kind: argmax for class ids, threshold for one class, or none for the network's own outputs"
    if path == ("head",):
        return "head: {kind: argmax}, or head: {kind: none} for the network's own outputs"
    if path == ("head", "kind") and value is None:
        return "kind: none (the word), for the network's own outputs"
    if path == CHANNELS and len(shape := data["input"]["shape"]) == 4 and shape[-1] == 3:
        return "this looks like N, H, W, C: write [{0}, {3}, {1}, {2}]".format(*shape)
    if path == ("calibration", "count") and value == -1:
        return "there is no word for `all`: say how many images (32 is usual)"
    if path in FRACTIONS and isinstance(value, (int, float)) and value > 1:
        return f"a fraction, not per cent: {value / 100:g} is {value:g} mIoU points"
    if kind == "literal_error" and isinstance(value, str):
        close = closest(value, [word.strip(" '") for word in context["expected"].replace(" or ", ", ").split(",")])
        return f"did you mean `{close}`?" if close else purpose
    return purpose


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _value(data: Any, path: FieldPath) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
