"""A build's manifest as a table for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.figures.simplified import Simplified
from recipebuild.figures.values import read_figures
from recipebuild.report.accuracy import accuracy_text, verdict_text
from recipebuild.report.table import rendered
from recipebuild.report.units import size

if TYPE_CHECKING:
    from rich.table import Table


def summary(manifest: Mapping[str, Any], folder: Path, notes_seen: Collection[str] = ()) -> str:
    """What ``run`` prints of a build: one line if there was nothing to do, else a table of its steps.

    Args:
        manifest: The build's manifest.
        folder: Its build folder.
        notes_seen: Notes that the user has seen already.
    """
    steps = manifest["steps"]
    if all(step["status"] == "cached" for step in steps):
        done = f"{manifest['recipe']}: nothing to do, all {len(steps)} steps are cached. {folder}\n"
        return done + verdict_text(manifest)
    tables = [_steps(manifest)]
    for step in steps:
        if step["name"] == "simplify" and step["status"] == "built":
            simplified = read_figures(Simplified, step["metrics"])
            tables += [_operators(simplified)] if simplified else []
    lines = [rendered(table) for table in tables] + [accuracy_text(manifest)]
    lines += [f"{note}\n" for note in manifest["notes"] if note not in notes_seen and not note.startswith("ignored: ")]
    lines.append(f"toolchain: {toolchain(manifest)}\n")
    lines.append(f"{manifest['recipe']}: {manifest['status']}. {folder}\n")
    return "".join(lines)


def toolchain(manifest: Mapping[str, Any]) -> str:
    """The toolchain that compiled, and what that means, in one line."""
    used = manifest["toolchain"]
    if "name" not in used:
        return "; ".join(f"{label}: {one['name']} {one['version']}" for label, one in used.items())
    if used["name"] == "pulsar2":
        return f"Pulsar2 {used['version']}"
    return (
        f"the embedded onnxruntime {used['version']} (Pulsar2 was not used): quantized.onnx tells the accuracy, "
        "and runs on this machine, not on the NPU"
    )


def _steps(manifest: Mapping[str, Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from recipebuild.report.figures import figure  # a run with nothing to do needs none of it

    styles = {"built": "green", "cached": "dim", "failed": "bold red", "skipped": "yellow"}
    table = Table("step", "status", "seconds", "figure", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for step in manifest["steps"]:
        name = f"{step['name']} {step['variant']}".strip()
        seconds = f"{step['seconds']:.1f}" if step["status"] in ("built", "failed") else ""
        table.add_row(Text(name), Text(step["status"], styles[step["status"]]), seconds, Text(figure(step)))
    return table


def _operators(simplified: Simplified) -> Table:
    from rich.table import Table

    table = Table("operator", "exported", "simplified", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in simplified.operators:
        table.add_row(row["op"], str(row["before"]), str(row["after"]))
    table.add_row("all", str(simplified.nodes_before), str(simplified.nodes_after))
    table.caption = f"simplified: {size(simplified.bytes)}"
    return table
