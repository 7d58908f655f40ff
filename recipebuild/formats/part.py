"""What all parts of a format share, and how a format becomes a JSON Schema: ``json_schema("lint")``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.formats import VERSIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Part(BaseModel):
    """An object of a file; here it has the documented fields only, so that none is written undocumented."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def model_of(name: str) -> type[Part]:
    """The model of a format: ``Manifest`` in ``manifest.py``."""
    model: type[Part] = getattr(import_module(f"recipebuild.formats.{name}"), name.capitalize())
    return model


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a format; readers must allow for fields that later releases add.

    Args:
        name: One of ``VERSIONS``.
    """
    schema = model_of(name).model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("additionalProperties", None)
        for field in part.get("properties", {}).values():
            field.pop("title", None)  # made of the field's name, it says nothing new
    schema["properties"]["version"] = {**schema["properties"]["version"], "const": VERSIONS[name]}
    return {"$schema": DIALECT, **schema, "title": f"recipebuild {name}"}


def printed(name: str, **fields: Any) -> dict[str, Any]:
    """What a command prints with ``--json``: its format's fields, with the version.

    Args:
        name: The command.
        fields: All fields but ``version``.
    """
    return model_of(name).model_validate({"version": VERSIONS[name], **fields}).model_dump(mode="json")
