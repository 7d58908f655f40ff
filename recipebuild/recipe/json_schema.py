"""The JSON Schema of a recipe file, which editors use to complete, explain and check fields while one types.

It is the recipe's own model, with two differences, as a file is not yet a recipe: a field that is required may come
from a base or the matrix, so it is required only where a file has neither; and ``head`` may leave out ``kind``, as it
has a default. ``check.ignore`` lists the codes, so that editors complete them.
"""

from __future__ import annotations

from typing import Any

from recipebuild.facts.rules import rules
from recipebuild.formats.part import DIALECT
from recipebuild.recipe.schema import RecipeFile


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, as JSON values."""
    schema = RecipeFile.model_json_schema()
    sections = schema["$defs"]
    complete: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        required = sections[section].pop("required", None) if (section := _section(field)) else None
        if required:
            complete[name] = {"required": required}
    for section in sections.values():
        _plain(section)
    head = schema["properties"]["head"]
    del head["discriminator"]  # an OpenAPI word, of no meaning in JSON Schema
    del schema["properties"]["inputs"]["items"]["discriminator"]
    ignore = sections["Check"]["properties"]["ignore"]
    reason = ignore.pop("patternProperties").popitem()[1]
    ignore["properties"] = {code: {**reason, "description": rule.what} for code, rule in rules().items()}
    ignore["additionalProperties"] = False
    needed = [name for name in schema.pop("required") if name != "name"]
    del schema["title"], schema["description"]
    _plain(schema)
    return {
        "$schema": DIALECT,
        "title": "recipebuild recipe",
        "description": "What to build: a model, its input, its calibration set, and what it is compiled for.",
        **schema,
        "if": {"not": {"anyOf": [{"required": ["extends"]}, {"required": ["matrix"]}]}},
        "then": {
            "required": needed,
            "properties": complete,
            "anyOf": [_OF_AN_IMAGE, _QUANTIZED, {"required": ["inputs"]}],
        },
    }


_OF_AN_IMAGE = {"required": ["input", "calibration"], "properties": {"calibration": {"required": ["source"]}}}
"""What a recipe has that describes an image; one with ``inputs`` need not."""
_QUANTIZED = {
    "required": ["input", "pulsar2"],
    "properties": {
        "pulsar2": {"required": ["model_type"], "properties": {"model_type": {"enum": ["QuantAxModel", "QuantONNX"]}}}
    },
}
"""What a recipe has of a model that is quantized already: nothing is calibrated."""


def _section(field: dict[str, Any]) -> str | None:
    """The name of the model that a field refers to, through ``null``; ``None`` for plain values and unions."""
    refs = [option["$ref"] for option in (field, *field.get("anyOf", ())) if "$ref" in option]
    return refs[0].rsplit("/", 1)[-1] if refs else None


def _plain(schema: dict[str, Any]) -> None:
    """Drop the titles that pydantic makes from the names of fields: they say nothing new."""
    for field in schema["properties"].values():
        field.pop("title", None)
