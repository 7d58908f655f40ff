"""The last sections: what each step did, and what the build was made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from recipebuild.report.figures import figure
from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import Cell, Column, PageSection, PageTable, number
from recipebuild.report.units import duration, size

_TONES = {"built": "good", "failed": "bad", "cached": "muted", "skipped": "muted"}


def steps(manifest: Mapping[str, Any], base: str = "") -> PageTable:
    """A table of all steps, each with a link to its log.

    Args:
        manifest: The build's.
        base: Where its folder is, as seen from the page: empty, or ending in a slash.
    """
    has_variants = any(entry["variant"] for entry in manifest["steps"])
    columns = [
        Column("step"), *([Column("variant")] if has_variants else []), Column("state"), Column("time", True),
        Column("result"), Column("output", True), Column("key"),
    ]  # fmt: skip
    rows = []
    for entry in manifest["steps"]:
        written = sum(output["bytes"] for output in entry["outputs"])
        rows.append([
            Cell(entry["name"], link=base + quote(entry["log"]) if entry.get("log") else ""),
            *([Cell(entry["variant"], tone="code")] if has_variants else []),
            Cell(entry["status"], tone=_TONES.get(entry["status"], "")),
            number(entry["seconds"], duration(entry["seconds"])),
            Cell(figure(entry)),
            number(written, size(written)) if written else Cell(""),
            Cell((entry["key"] or "")[:10], tone="code", title=entry["key"] or ""),
        ])  # fmt: skip
    return PageTable("Results, times and logs", columns, rows)


def provenance(manifest: Mapping[str, Any], built: Built, base: str = "") -> PageSection:
    """What went in, what made it, and the digest of all that came out, with links; ``base`` as of ``steps``."""
    used = manifest["toolchain"]
    toolchains = [("toolchain", f"{used['name']} {used['version']}")] if "name" in used else [
        (f"toolchain [{label}]", f"{toolchain['name']} {toolchain['version']}") for label, toolchain in used.items()
    ]  # fmt: skip
    environment = manifest["environment"]
    facts = [
        ("recipe", manifest["recipe"]),
        *((name, value) for name, value in manifest.get("made", {}).items()),
        ("recipe digest", manifest["recipe_digest"]),
        *toolchains,
        ("recipebuild", environment["recipebuild"]),
        ("Python", environment["python"]),
        ("platform", environment["platform"]),
        *environment["distributions"].items(),
    ]
    made_of = PageTable(
        "Built with", [Column("name"), Column("value")], [[Cell(k), Cell(str(v), tone="code")] for k, v in facts]
    )
    files = [
        [
            Cell(output["path"], tone="code", link=base + quote(output["path"])),
            number(output["bytes"], size(output["bytes"])),
            Cell(output["sha256"], tone="code"),
        ]
        for entry in manifest["steps"]
        for output in entry["outputs"]
    ]
    columns = [Column("file"), Column("size", True), Column("SHA-256")]
    tables = [made_of, *_inputs(built), PageTable("Files", columns, files, filtered=True, folded=True)]
    return PageSection("provenance", "Provenance", tables=tables)


def _inputs(built: Built) -> list[PageTable]:
    """What the build was made of, as its SLSA provenance has it."""
    statement = built.json("bundle", "bundle/provenance.json")
    try:
        sources = statement["predicate"]["buildDefinition"]["resolvedDependencies"] if statement else []
        rows = [
            [Cell(source["name"], tone="code"), Cell(next(iter(source["digest"].values())), tone="code")]
            for source in sources
        ]
    except (KeyError, TypeError, StopIteration):
        return []
    return [PageTable("Inputs", [Column("input"), Column("digest")], rows, filtered=True, folded=True)] if rows else []
