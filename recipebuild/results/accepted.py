"""Figures that were found good, ``<name>.accepted.json`` beside the recipe, and how later builds compare with them.

It holds, for each entry of the matrix: the metric with its interval and what every image adds to it, size, cycles,
latency, the digests of what was built, and the toolchain. ``run`` then says of every build whether it is better, the
same within noise, or worse; ``run --fail-on-regression`` ends with 5 if one is worse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recipebuild.engine.digest import digest_json
from recipebuild.errors import CheckError, RecipeError
from recipebuild.facts.metrics import loss
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.values import read_figures
from recipebuild.formats import VERSIONS
from recipebuild.recipe.find import find
from recipebuild.session import Job
from recipebuild.toolkit.evaluate.noise import is_noise, paired

BETTER, SAME, WORSE = "better", "same within noise", "worse"

_COSTS = {"cycles": 0.01, "latency_ms": 0.05}
"""Figures of speed, and the share by which they must differ to say something: estimated, or measured on a board."""

Facts = dict[str, Any]


def path_of(recipe: str, job: Job) -> Path:
    """Where the accepted figures of a recipe are."""
    return find(recipe, Path.cwd()).with_name(f"{job.plan.name}.accepted.json")


def read_accepted(recipe: str, job: Job) -> dict[str, Facts]:
    """The accepted figures by the matrix entry's label; empty if there are none.

    Raises:
        RecipeError: If the file is none of ours.
    """
    path = path_of(recipe, job)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        builds = value["builds"] if value["version"] == VERSIONS["accepted"] else None
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError):
        builds = None
    if not isinstance(builds, dict) or not all(isinstance(figures, dict) for figures in builds.values()):
        raise RecipeError(f"{path} has no accepted figures of this version", remedy=f"recipebuild accept {recipe}")
    return builds


def digest_of(job: Job) -> str:
    """The digest of a recipe after ``extends``, ``--set`` and defaults, as manifests have it."""
    return digest_json([[s.name, s.variant, dict(s.params)] for s in job.plan.steps])


def facts(job: Job, built: Mapping[str, Any], folder: Path) -> dict[str, Facts]:
    """The figures of a build by the matrix entry's label.

    Args:
        job: The recipe as it was planned.
        built: The build's manifest.
        folder: Its folder.
    """
    entries = dict(zip((step.id for step in job.plan.steps), built["steps"], strict=True))
    figures = {}
    for label, ids in job.plan.variants.items():
        steps = {entries[i]["name"]: entries[i] for i in ids}
        compiled, evaluated = steps.get("compile", {}), steps.get("evaluate", {})
        chip = job.toolchains[label]
        figures[label] = {
            **_accuracy(evaluated, folder / f"{label}" if label else folder),
            **_costs(compiled, steps.get("deploy", {})),
            "toolchain": f"{chip.name} {chip.version}",
            "digests": {
                output["name"]: output["sha256"]
                for entry in (steps.get("head", {}), compiled)
                for output in entry.get("outputs", ())
            },
        }
    return figures


def _accuracy(entry: Mapping[str, Any], folder: Path) -> Facts:
    evaluation = read_figures(Evaluation, entry.get("metrics", {}))
    if evaluation is None:
        return {}
    try:
        kept = json.loads((folder / "steps/evaluate/evaluation.json").read_text(encoding="utf-8"))["per_image"]
    except (OSError, ValueError, KeyError):
        return {}
    row = kept["row"]
    return {
        "metric": evaluation.metric,
        "row": row,
        "value": evaluation.scores[f"{evaluation.metric}_{row}"],
        "interval": evaluation.interval.get(row),
        "figures": {**evaluation.scores, **({} if evaluation.drop is None else {"drop": evaluation.drop})},
        "per_image": kept["values"],
    }


def _costs(compiled: Mapping[str, Any], deployed: Mapping[str, Any]) -> Facts:
    built = read_figures(Compiled, compiled.get("metrics", {}))
    measured = read_figures(Deployed, deployed.get("metrics", {}))
    costs = {
        "bytes": built.bytes if built else None,
        "cycles": built.max_cycle if built else None,
        "latency_ms": measured.latency_ms["avg"] if measured else None,
    }
    return {name: value for name, value in costs.items() if value is not None}


def compare(old: Facts, new: Facts) -> Facts:
    """What a build is against accepted figures.

    Returns:
        ``verdict``: better, same within noise, or worse: of accuracy, and where that is the same, of speed; and
        ``lines``: what makes it so, for people.
    """
    verdicts = [compared for compared in (_compare_accuracy(old, new), *_compare_costs(old, new)) if compared]
    accuracy, *costs = [verdict for verdict, _ in verdicts] or [SAME]
    if "metric" not in old or "metric" not in new:
        costs, accuracy = [verdict for verdict, _ in verdicts], SAME
    rest = WORSE if WORSE in costs else BETTER if BETTER in costs else SAME
    return {"verdict": rest if accuracy == SAME else accuracy, "lines": [line for _, line in verdicts]}


def regressions(built: Mapping[str, Any]) -> Iterator[CheckError]:
    """An error for each entry of a build that is worse than what was accepted."""
    for label, verdict in built.get("verdict", {}).items():
        if verdict["verdict"] == WORSE:
            yield CheckError(
                f"{label}: worse than what was accepted" if label else "worse than what was accepted",
                remedy="\n".join([*verdict["lines"], "if that is meant: recipebuild accept"]),
            )


def _compare_accuracy(old: Facts, new: Facts) -> tuple[str, str] | None:
    if "metric" not in old or "metric" not in new:
        return None
    metric, before, after = old["metric"], old["value"], new["value"]
    names = sorted(old["per_image"])
    if metric != new["metric"] or names != sorted(new["per_image"]):
        return SAME, f"{metric} was accepted on other images, or by another metric: recipebuild accept takes the new"
    gain = paired([old["per_image"][name] for name in names], [new["per_image"][name] for name in names])
    text = f"{metric} {before:.4f} -> {after:.4f}"
    if gain is None or is_noise(gain):
        return SAME, f"{text}: {'equal' if before == after else SAME}"
    lost = loss(metric, 0.0, sum(gain) / 2) > 0
    return (WORSE if lost else BETTER), f"{text}: {WORSE if lost else BETTER} (95 %: {gain[0]:+.4f} to {gain[1]:+.4f})"


def _compare_costs(old: Facts, new: Facts) -> Iterator[tuple[str, str]]:
    for name, share in _COSTS.items():
        if name in old and name in new and old[name]:
            change = (new[name] - old[name]) / old[name]
            verdict = SAME if abs(change) <= share else WORSE if change > 0 else BETTER
            yield verdict, f"{name} {old[name]:g} -> {new[name]:g} ({100 * change:+.1f} %): {verdict}"
    if old.get("bytes") and "bytes" in new and old["bytes"] != new["bytes"]:
        yield SAME, f"bytes {old['bytes']} -> {new['bytes']}"
