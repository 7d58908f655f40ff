"""The schemas of files are fresh, sound, and open to fields that later releases add."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic import ValidationError as StrictError
from support.documented import ROOT

from recipebuild.errors import RecipeError
from recipebuild.formats import VERSIONS
from recipebuild.formats.part import model_of
from recipebuild.verbs.schema import json_schema

LINT = {"version": 1, "hardware": "AX650", "findings": []}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_published_schema_is_fresh_and_sound(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    published = (ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == schema, "run make schema"
    assert schema["properties"]["version"]["const"] == VERSIONS[name]
    assert "version" in schema["required"]


@pytest.mark.parametrize("changed", [{"version": 2}, {"hardware": 7}, {"findings": [{"code": "E501"}]}])
def test_what_is_wrong_is_refused(changed: dict[str, object]) -> None:
    validator = Draft202012Validator(json_schema("lint"))
    validator.validate(LINT)
    with pytest.raises(ValidationError):
        validator.validate(LINT | changed)


def test_readers_take_new_fields_and_writers_may_not_add_them_unnoticed() -> None:
    Draft202012Validator(json_schema("lint")).validate(LINT | {"colour": "red"})
    with pytest.raises(StrictError, match="colour"):
        model_of("lint").model_validate_json(json.dumps(LINT | {"colour": "red"}))


def test_a_schema_of_nothing_names_those_that_there_are() -> None:
    with pytest.raises(RecipeError, match="there is no schema of manifets") as error:
        json_schema("manifets")
    names = "recipe, manifest, model, quant, lint, accepted, render, report, graph, accept, lock"
    assert error.value.remedy == f"did you mean manifest?\nsay {names}"
