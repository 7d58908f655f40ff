"""What ``run`` prints of a build: five lines, or all tables."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.facts.metrics import metric_title
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.linted import Linted
from recipebuild.figures.simplified import Simplified
from recipebuild.figures.values import read_figures
from recipebuild.report.accuracy import accuracy_text, verdict_text
from recipebuild.report.page.written import report_name
from recipebuild.report.table import rendered
from recipebuild.report.units import duration, fed, shown, size

if TYPE_CHECKING:
    from rich.table import Table

    from recipebuild.figures.values import Figures

    Step = Mapping[str, Any]


def summary(
    manifest: Mapping[str, Any],
    folder: Path,
    notes_seen: Collection[str] = (),
    *,
    seconds: float | None = None,
    tables: bool = False,
) -> str:
    """What ``run`` prints of a build: one line if there was nothing to do, else verdict, accuracy, size, time, report.

    Args:
        manifest: The build's manifest.
        folder: Its build folder.
        notes_seen: Notes that the user has seen already.
        seconds: How long the run took.
        tables: Print all tables before that: steps, operators, accuracy, ladder.
    """
    steps = manifest["steps"]
    if all(step["status"] == "cached" for step in steps):
        done = f"{manifest['recipe']}: nothing to do, all {len(steps)} steps are cached. {folder}\n"
        return done + verdict_text(manifest)
    lines = [_tables(manifest)] if tables else []
    lines.append(accuracy_text(manifest) if tables or _falls_short(steps) else verdict_text(manifest))
    lines += [f"{note}\n" for note in manifest["notes"] if note not in notes_seen and not note.startswith("ignored: ")]
    lines.append(f"{manifest['recipe']}: {outcome(manifest, seconds)}\n")
    lines += [_line(name, text) for name, text in key_facts(manifest, folder).items()]
    return "".join(lines)


def _line(name: str, text: str) -> str:
    """A fact, wrapped under its own column where a terminal is narrower than that."""
    head = f"  {name:<9}  "
    if not sys.stdout.isatty():
        return f"{head}{text}\n"
    width = shutil.get_terminal_size().columns
    lines = textwrap.wrap(text, max(width - len(head), 20), break_long_words=False, break_on_hyphens=False)
    return head + f"\n{' ' * len(head)}".join(lines) + "\n"


def key_facts(manifest: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """What matters of a build, by name: accuracy, model, toolchain, report; those that are known."""
    facts = {
        "accuracy": _accuracy(manifest["steps"]),
        "model": _model(manifest["steps"]),
        "toolchain": toolchain(manifest),
        "report": _report(manifest, folder),
    }
    return {name: text for name, text in facts.items() if text}


def _falls_short(steps: Sequence[Step]) -> bool:
    """Whether the accuracy does, by the recipe's own limits."""
    return any(step["name"] == "judge" and step["status"] == "failed" for step in steps)


def outcome(manifest: Mapping[str, Any], seconds: float | None = None) -> str:
    """``built 16 of 16 steps in 58 s``; of a run that did not finish, where it ended."""
    steps = manifest["steps"]
    built, cached = (sum(step["status"] == status for step in steps) for status in ("built", "cached"))
    done = f"{built} of {len(steps)} steps built" + (f", {cached} cached" if cached else "")
    took = f" in {duration(seconds)}" if seconds is not None else ""
    failed = [f"{step['name']} {step['variant']}".strip() for step in steps if step["status"] == "failed"]
    if manifest["status"] == "failed":
        return f"failed at {', '.join(failed)}; {done}{took}"
    if failed:  # by the user
        return f"interrupted at {', '.join(failed)}; {done}{took}"
    if manifest["status"] == "partial":  # as asked, by --until
        return f"built up to {steps[-1]['name']}, {done}{took}"
    return f"ok, {done}{took}"


def _accuracy(steps: Sequence[Step]) -> str:
    """The metric of the float and of the compiled model; of a matrix nothing, whose entries stand in a table."""
    evaluated, climbed = _figures(steps, "evaluate", Evaluation), _figures(steps, "ladder", Ladder)
    if len(evaluated) != 1:
        return ""
    metric = evaluated[0].metric
    scores = [(row, s) for row in ("float", "quantized") if (s := evaluated[0].score(row)) is not None]
    text = ", ".join(f"{shown(metric, score)} {row}" for row, score in scores)
    images = evaluated[0].images
    counted = f"{images} {fed(steps) if images != 1 else fed(steps)[:-1]}"
    return f"{metric_title(metric)} {text} ({counted}){_loss(climbed[0].verdict) if climbed else ''}"


def _loss(verdict: str) -> str:
    """What the ladder found, in a few words: ``; no measurable loss``, ``; largest loss: quantized (host)``."""
    if verdict.startswith("No stage loses"):
        return "; no measurable loss"
    what, colon, where = verdict.partition(": ")
    return f"; {what.lower()}: {where.partition(',')[0]}" if colon and what.startswith("Largest") else ""


def _model(steps: Sequence[Step]) -> str:
    """The compiled model's size, and how long it may take."""
    compiled, linted = _figures(steps, "compile", Compiled), _figures(steps, "lint", Linted)
    if len(compiled) != 1:
        return ""
    text = size(compiled[0].bytes)
    if len(linted) == 1 and (span := linted[0].estimated_ms):
        where = f"{linted[0].hardware} {linted[0].npu_mode}"
        text += f", estimated {_ms(span['ms'])} ms on {where} ({_ms(span['low'])} to {_ms(span['high'])} ms)"
    return text


def _ms(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _figures(steps: Sequence[Step], name: str, kind: type[Figures]) -> list[Figures]:
    """Those of all steps of a name that have them."""
    read = [read_figures(kind, step["metrics"]) for step in steps if step["name"] == name]
    return [figures for figures in read if figures]


def _report(manifest: Mapping[str, Any], folder: Path) -> str:
    name = report_name(manifest)
    return str(folder / name) if name in manifest["files"] else f"none; what was built is in {folder}"


def _tables(manifest: Mapping[str, Any]) -> str:
    """All steps, and the operators before and after the simplifier."""
    tables = [_steps(manifest)]
    for step in manifest["steps"]:
        if step["name"] == "simplify" and step["status"] == "built":
            simplified = read_figures(Simplified, step["metrics"])
            tables += [_operators(simplified)] if simplified else []
    return "".join(rendered(table) for table in tables)


def toolchain(manifest: Mapping[str, Any]) -> str:
    """The toolchain that compiled, and what that means, in one line."""
    used = manifest["toolchain"]
    if "name" not in used:
        return "; ".join(f"{label}: {one['name']} {one['version']}" for label, one in used.items())
    if used["name"] == "pulsar2":
        return f"Pulsar2 {used['version']}"
    return f"ONNX Runtime {used['version']}; install Pulsar2 to compile for the NPU"


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
