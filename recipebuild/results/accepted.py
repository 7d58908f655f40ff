"""Figures that were found good, ``<name>.accepted.json`` beside the recipe, and how later builds compare with them.

It holds, for each entry of the matrix: the metric with its interval and what every image adds to it, size, cycles,
latency, the digests of what was built, and the toolchain. ``run`` then says of every build whether it is better, the
same within noise, worse, or not measured; ``run --fail-on-regression`` ends with 5 if one is worse or not measured.

Both builds saw the same images, so images are compared in pairs, and a difference is noise where its 95 % interval has
0 inside. One image that loses much makes that interval wide: so a loss beyond ``accept.max_regression`` is never noise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recipebuild.engine.digest import digest_json
from recipebuild.errors import CheckError, RecipeError
from recipebuild.facts.metrics import METRICS, loss
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.values import read_figures
from recipebuild.formats import VERSIONS
from recipebuild.recipe.find import find
from recipebuild.session import Job
from recipebuild.toolkit.evaluate.noise import is_noise, paired

BETTER, SAME, WORSE, UNMEASURED = "better", "same within noise", "worse", "not measured"

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


def compare(old: Facts, new: Facts, max_regression: float) -> Facts:
    """What a build is against accepted figures.

    Args:
        old: The accepted figures.
        new: Those of the build.
        max_regression: The recipe's ``accept.max_regression``, as a fraction (0..1).

    Returns:
        ``verdict``: better, same within noise, worse, or not measured, if there was nothing to compare: of accuracy,
        and where that is the same, of speed; and ``lines``: what makes it so, for people.
    """
    accuracy = _compare_accuracy(old, new, max_regression) if "metric" in old else None
    costs = list(_compare_speed(old, new))
    lines = [line for _, line in ([accuracy] if accuracy else []) + costs] + _size(old, new)
    verdict = accuracy[0] if accuracy else SAME if costs else UNMEASURED
    speed = {verdict for verdict, _ in costs}
    if verdict == SAME or (verdict == UNMEASURED and WORSE in speed):
        verdict = WORSE if WORSE in speed else BETTER if BETTER in speed else SAME
    return {"verdict": verdict, "lines": lines or ["neither accuracy nor speed was measured in both builds"]}


def regressions(built: Mapping[str, Any], labels: Iterable[str]) -> Iterator[CheckError]:
    """An error for each entry of a build that is worse than what was accepted, or was not compared with it.

    Args:
        built: The build's manifest.
        labels: The labels of the recipe's entries.
    """
    for label in labels:
        verdict = built.get("verdict", {}).get(label)
        of = f"{label}: " if label else ""
        if verdict is None:
            yield CheckError(
                f"{of}nothing was compared with accepted figures",
                remedy="accept figures with recipebuild accept, and build the recipe to its end",
            )
        elif verdict["verdict"] == WORSE:
            yield CheckError(
                f"{of}worse than what was accepted",
                remedy="\n".join([*verdict["lines"], "if that is meant: recipebuild accept"]),
            )
        elif verdict["verdict"] == UNMEASURED:
            yield CheckError(
                f"{of}the accepted figure was not measured",
                remedy="\n".join([*verdict["lines"], "if that is meant: recipebuild accept"]),
            )


def _compare_accuracy(old: Facts, new: Facts, max_regression: float) -> tuple[str, str]:
    metric, before = old["metric"], old["value"]
    if "metric" not in new:
        return UNMEASURED, f"{metric} {before:.4f} -> not measured: does the recipe still have evaluate?"
    after, names = new["value"], sorted(old["per_image"])
    if metric != new["metric"] or names != sorted(new["per_image"]):
        return (
            UNMEASURED,
            f"{metric} was accepted on other images, or by another metric: recipebuild accept takes the new",
        )
    gain = paired([old["per_image"][name] for name in names], [new["per_image"][name] for name in names])
    text = f"{metric} {before:.4f} -> {after:.4f}"
    bounds = f" (95 %: {gain[0]:+.4f} to {gain[1]:+.4f})" if gain else ""
    if loss(metric, before, after) > max_regression * (1 if METRICS[metric].unit == "%" else abs(before)):
        return WORSE, f"{text}: {WORSE}, by more than accept.max_regression {max_regression:g}{bounds}"
    if gain is None or is_noise(gain):
        return SAME, f"{text}: {'equal' if before == after else SAME}"
    verdict = WORSE if loss(metric, 0.0, sum(gain) / 2) > 0 else BETTER
    return verdict, f"{text}: {verdict}{bounds}"


def _compare_speed(old: Facts, new: Facts) -> Iterator[tuple[str, str]]:
    for name, share in _COSTS.items():
        if name in old and name in new and old[name]:
            change = (new[name] - old[name]) / old[name]
            verdict = SAME if abs(change) <= share else WORSE if change > 0 else BETTER
            yield verdict, f"{name} {old[name]:g} -> {new[name]:g} ({100 * change:+.1f} %): {verdict}"


def _size(old: Facts, new: Facts) -> list[str]:
    """What became of the size, which decides nothing."""
    changed = old.get("bytes") and "bytes" in new and old["bytes"] != new["bytes"]
    return [f"bytes {old['bytes']} -> {new['bytes']}"] if changed else []
