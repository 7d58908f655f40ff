"""The published JSON Schema: fresh, valid, and of one mind with the loader."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from recipebuild.recipe.json_schema import json_schema
from recipebuild.resources import shipped

PUBLISHED = shipped("recipes").parent / "docs" / "recipe.schema.json"
RECIPES = sorted(shipped("recipes").rglob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_fresh():
    text = json.dumps(json_schema(), indent=2) + "\n"
    assert PUBLISHED.read_text() == text, "write it again: python -m recipebuild schema > docs/recipe.schema.json"


def test_it_names_its_dialect_and_no_host_of_ours():
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert "$id" not in schema


def test_every_field_is_described():
    def fields(schema):
        yield from schema.get("properties", {}).items()
        for section in schema.get("$defs", {}).values():
            yield from fields(section)

    by_name = dict(fields({k: v for k, v in json_schema().items() if k != "then"}))
    assert len(by_name) > 30
    assert [name for name, field in by_name.items() if not field.get("description")] == []
    for name in ("mean", "std"):
        assert "0..255" in by_name[name]["description"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_shipped_recipes_are_valid_and_say_where_the_schema_is(path, validator):
    text = path.read_text()
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == PUBLISHED.resolve()


# text to add to the good recipe, or a replacement in it: does the schema take it?
CASES = {
    "good": ("", "", True),
    "a base may be incomplete": ("calibration:\n  source: ./images\n", "extends: []\n", True),
    "a child may be incomplete": ("model:\n", "extends: base.yaml\nevaluate: {count: 3}\nmodel:\n", True),
    "without a base nothing may lack": ("calibration:\n  source: ./images\n", "", False),
    "nor in a section": ("  shape: [1, 3, 64, 128]\n", "", False),
    "a matrix may bring it": ("  source: ./images\n", "  count: 3\nmatrix: {calibration.source: [a, b]}\n", True),
    "unknown field": ("", "zzz: 1\n", False),
    "unknown field of a section": ("", "export: {opzet: 17}\n", False),
    "head without kind": ("", "head: {keep_logits: true}\n", True),
    "no head": ("", "head: {kind: none}\n", True),
    "no head with an axis": ("", "head: {kind: none, axis: 1}\n", False),
    "two channels": ("[1, 3, 64, 128]", "[1, 2, 64, 128]", False),
    "std of zero": ("58.395", "0", False),
    "opset as text": ("", "export: {opset: '17'}\n", False),
    "empty matrix axis": ("", "matrix: {target.npu_mode: []}\n", False),
    "list of bases": ("", "extends: [a.yaml, b.yaml]\n", True),
    "null where a section is optional": ("", "evaluate: null\n", True),
    "null elsewhere": ("", "target: null\n", False),
    "a rule with a reason": ("", "check: {ignore: {RB101: why}}\n", True),
    "a rule that there is not": ("", "check: {ignore: {RB999: why}}\n", False),
    "rules without reasons": ("", "check: {ignore: [RB101]}\n", False),
}


@pytest.mark.parametrize("case", CASES)
def test_the_schema_takes_what_the_loader_takes(validator, good, case):
    old, new, takes = CASES[case]
    text = good.replace(old, new, 1) if old else good + new
    assert validator.is_valid(yaml.safe_load(text)) == takes
