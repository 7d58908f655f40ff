"""``manifest.json``: what a build is made of, step by step. All that reports on a build reads this and nothing else."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild._version import __version__
from recipebuild.engine.installed import installed_version
from recipebuild.engine.task import Result
from recipebuild.facts.metrics import METRICS, ROWS
from recipebuild.files import write_text
from recipebuild.formats import VERSIONS
from recipebuild.plan.plan import Plan
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.results.notes import answered

ARTEFACTS = frozenset(
    {
        "model.onnx", "corrected.onnx", "calibration.tar", "pulsar2.json", "quantized.onnx", "quant.json",
        "compiled.axmodel", "preview.png", "bundle", "bundle.tar.gz",
    }
)  # fmt: skip
"""The files and folders that a user comes for: they lie at the top of the build folder, all others under ``steps/``."""

FIGURES = frozenset(
    {
        *(f"{metric}_{row}" for metric in METRICS for row in ROWS),
        "metric", "interval", "drop", "drop_interval", "latency_ms", "cmm_bytes",
    }
)  # fmt: skip
"""Metrics of steps that are metrics of the build, too."""


def manifest(
    plan: Plan,
    results: Mapping[str, Result],
    recipe_digest: str,
    toolchains: Mapping[str, ResolvedToolchain],
    notes: list[str],
    ignore: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest of one recipe's build, as JSON values.

    Args:
        plan: The recipe's plan.
        results: How the steps ended, by id.
        recipe_digest: The digest of the recipe after ``extends``, ``--set`` and defaults.
        toolchains: What compiled, by the matrix entry's label.
        notes: What the user should know about the recipe.
        ignore: The recipe's reasons not to heed a warning or a note, by the rule's code.
    """
    entries = [entry(plan, results[step.id]) for step in plan.steps]
    used = {label: {"name": t.name, "version": t.version} for label, t in toolchains.items()}
    warnings = [f"warning: {e['name']}: {w}" for e in entries for w in e["metrics"].get("warnings", [])]
    lines, coded = answered([*notes, *warnings], ignore)
    distinct = list({json.dumps(t): t for t in used.values()}.values())
    return {
        "version": VERSIONS["manifest"],
        "recipe": plan.name,
        "recipe_digest": recipe_digest,
        "status": _status(entries, whole=plan.whole),
        "toolchain": distinct[0] if len(distinct) == 1 else used,
        "steps": entries,
        "variants": {label: list(ids) for label, ids in plan.variants.items()},
        "metrics": _metrics(plan, results),
        "notes": lines,
        "rules": [note.as_json() for note in coded],
        "environment": {
            "recipebuild": __version__,
            "python": platform.python_version(),
            "platform": f"{sys.platform}-{platform.machine()}",
            "distributions": {t: installed_version(t) for t in sorted({t for s in plan.steps for t in s.tools})},
        },
    }


def entry(plan: Plan, result: Result) -> dict[str, Any]:
    """The manifest's entry of one step."""
    step, record, error = result.step, result.record, result.error
    value: dict[str, Any] = {
        "id": step.id,
        "name": step.name,
        "variant": step.variant,
        "needs": sorted(step.before),
        "key": record.key if record else None,
        "status": result.status,
        "seconds": record.seconds if record else result.seconds,
        "outputs": [],
        "metrics": dict(record.metrics) if record else {},
    }
    place = places_of(plan, step.id)[0]
    if record or (result.log and result.log.exists()):  # a step may end before its log begins
        value["log"] = f"{place}{log_of(step.name)}"
    if record:
        value["outputs"] = [
            {"name": b.name, "path": f"{place}{path_of(step.name, b.name)}", "sha256": b.sha256, "bytes": b.bytes}
            for b in record.outputs
        ]
    if error:
        value["metrics"] = error.metrics
        field = {"field": error.field} if error.field else {}
        value["error"] = {"message": error.message, **field, "remedy": error.remedy, "exit_code": error.exit_code}
    return value


def path_of(step: str, output: str) -> str:
    """Where an output lies in the build folder (in a matrix: in its entry's folder)."""
    return output if output.partition("/")[0] in ARTEFACTS else f"steps/{step}/{output}"


def log_of(step: str) -> str:
    """Where a step's log lies in the build folder."""
    return f"logs/{step}.log"


def places_of(plan: Plan, step_id: str) -> list[str]:
    """The prefixes under which a step's outputs lie: one for each entry of the matrix that uses it."""
    return [f"{label}/" if label else "" for label, ids in plan.variants.items() if step_id in ids]


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Write a manifest: whole, or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> dict[str, Any]:
    """The manifest at ``path``; empty if there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def keys(path: Path) -> dict[str, str]:
    """The keys of the steps in the manifest at ``path``, by the steps' ids; of those that got that far."""
    return {step["id"]: step["key"] for step in read(path).get("steps", ()) if step["key"]}


def _status(entries: list[dict[str, Any]], *, whole: bool) -> str:
    statuses = {e["status"] for e in entries}
    interrupted = any(e.get("error", {}).get("exit_code") == 130 for e in entries)
    if "failed" in statuses and not interrupted:
        return "failed"
    return "partial" if statuses & {"failed", "skipped"} or not whole else "ok"


def _metrics(plan: Plan, results: Mapping[str, Result]) -> dict[str, Any]:
    """The build's own figures; in a matrix by the entry's label."""
    metrics = {}
    for label, ids in plan.variants.items():
        records = [r for i in ids if (r := results[i].record)]
        metrics[label] = {k: v for record in records for k, v in record.metrics.items() if k in FIGURES}
    return metrics[""] if list(metrics) == [""] else metrics
