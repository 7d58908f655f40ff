"""Prints docs/pulsar2-fields.md, made from the configuration's model: ``python -m scripts.pulsar2_reference``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recipebuild.facts.chips import CHIPS
from recipebuild.facts.fields import config_field
from recipebuild.recipe.fields import all_fields
from recipebuild.toolkit.pulsar2.config.build import BuildConfig
from recipebuild.toolkit.pulsar2.config.versions import first_version

HEAD = """\
# Fields of Pulsar2's configuration

Made from the model in `recipebuild/toolkit/pulsar2/config/` by `make schema`. If recipes have a field for a
value, that field decides; "overrides" are set in `pulsar2.overrides`, under the same names. "since" is the first
documentation with the field, if newer than that of 1.9. [Pulsar2](pulsar2.md) lists the choices where the documentation
contradicts itself.

Each row is a test of that name in `tests/unit/toolkit/pulsar2/test_fields.py`: our model and protobuf, with a proto
written from the documentation, accept exactly its values, and return them unchanged. `test_proto.py` tries random
combinations, and compares the two lists of fields.

| field | values | default | since | in recipes |
|---|---|---|---|---|
"""

CHIP_HEAD = """
## Chips

`target.hardware` accepts each chip by its own name; "built as" is the name that `pulsar2 build` gets.
`tests/unit/facts/test_chips.py` tests every chip with each of its NPU modes, and with one that the chip lacks.

| chip | built as | NPU modes | operators of | times estimated |
|---|---|---|---|---|
"""

COMMANDS = """
## Commands

| command | used by | tested by |
|---|---|---|
| `pulsar2 version` | `doctor`, each plan | `test_toolchain.py` |
| `pulsar2 build` with a configuration | step compile | `test_build.py`, `test_standin.py` |
| `pulsar2 run`, also with `--mode Reference` and `--group_index` | steps simulate | `test_run.py`, `test_asked.py` |
| `axengine`, `ax_run_model` | `board run`, `run.py` of a bundle | `tests/unit/toolkit/board/` |
"""

DECIDED = ("input", "output_dir", "output_name", "work_dir", "input_shapes")
"""What a build decides itself."""


@dataclass(frozen=True)
class Row:
    """One field: its dotted path, what it takes in words, its values where they are few, its default as JSON."""

    path: str
    takes: str
    values: tuple[Any, ...]
    default: str


def rows() -> list[Row]:
    """All fields of the configuration, in the order of the file; fields of messages in lists go by the list's name."""
    schema = BuildConfig.model_json_schema()
    return list(_rows(schema, schema["$defs"], ""))


def _rows(message: Any, definitions: Any, prefix: str) -> Iterator[Row]:
    for name, described in message["properties"].items():
        path = prefix + name
        inner = _message(described, definitions)
        if inner is not None:
            yield from _rows(inner, definitions, f"{path}.")
        else:
            default = "required" if name in message.get("required", ()) else json.dumps(described.get("default"))
            yield Row(path, *_takes(described), default)


def _message(described: Any, definitions: Any) -> Any:
    """The message that a field holds, one or several; ``None`` if it holds plain values."""
    reference = described.get("$ref") or described.get("items", {}).get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else None


def _takes(described: Any) -> tuple[str, tuple[Any, ...]]:
    options = [option for option in described.get("anyOf", [described]) if option.get("type") != "null"]
    (option,) = options
    values = tuple(option.get("enum", [option["const"]] if "const" in option else ()))
    if values:
        return ", ".join(f"`{value}`" for value in values), values
    kind = option.get("type", "any")
    if kind == "array":
        items = option.get("items") or {}
        return f"list of {items.get('type', 'value')}s", ()
    if kind == "boolean":
        return "true, false", (True, False)
    low, high = (option.get(key) for key in ("minimum", "maximum"))
    low = option.get("exclusiveMinimum", low)
    limits = f", {_limit(low, 'from')}{_limit(high, 'to')}".rstrip(", ")
    return f"{kind}{limits if kind in ('integer', 'number') else ''}", ()


def _limit(bound: float | None, word: str) -> str:
    return f"{word} {bound:g} " if bound is not None and abs(bound) < 2**31 - 1 else ""


def page() -> str:
    """The page in Markdown."""
    fields = "".join(_line(row) for row in rows())
    chips = "".join(
        f"| {chip.name} | {chip.target} | {', '.join(chip.npu_modes)} | {chip.operators or 'not published'} "
        f"| {'yes' if chip.latency else 'no'} |\n"
        for chip in CHIPS.values()
    )
    return HEAD + fields + CHIP_HEAD + chips + COMMANDS


def _line(row: Row) -> str:
    cells = f"`{row.path}`", row.takes.strip(), row.default, first_version(row.path) or "", _recipe(row.path)
    return f"| {' | '.join(cells)} |\n"


def _recipe(path: str) -> str:
    if path in DECIDED:
        return "the build"
    field = config_field(path, {})
    return f"`{field}`" if field and tuple(field.split(".")) in all_fields() else "overrides"


if __name__ == "__main__":
    print(page(), end="")
