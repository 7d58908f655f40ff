"""Files that builds leave, held against their formats."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from recipebuild.formats import VERSIONS
from recipebuild.formats.part import model_of
from recipebuild.verbs.schema import json_schema


def follows(name: str, path: Path) -> None:
    """Find that a file is what its published schema says, and has no field beyond it."""
    text_follows(name, path.read_text(encoding="utf-8"))


def text_follows(name: str, text: str) -> None:
    """Likewise of what a command prints."""
    value = json.loads(text)
    assert value["version"] == VERSIONS[name]
    Draft202012Validator(json_schema(name)).validate(value)
    model_of(name).model_validate_json(text)
