"""Writes the parts of docs/ that follow from the code, in one process: ``make schema``."""

from __future__ import annotations

import json

from recipebuild.formats import VERSIONS
from recipebuild.verbs.schema import json_schema
from scripts import cli_reference, pulsar2_reference, rule_reference, tables

PAGES = {
    "cli.md": cli_reference.page,
    "rules.md": rule_reference.page,
    "pulsar2-fields.md": pulsar2_reference.page,
}


def main() -> None:
    """Write the schemas, the pages that are made as a whole, and the tables."""
    schemas = {"recipe.schema.json": "recipe"} | {f"schemas/{file}.schema.json": file for file in VERSIONS}
    for name, file in schemas.items():
        _write(name, json.dumps(json_schema(file), indent=2, ensure_ascii=False) + "\n")
    for name, page in PAGES.items():
        _write(name, page())
    tables.write()


def _write(name: str, text: str) -> None:
    (tables.DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
