"""judge: the figures, compared with the recipe's limits. Builds nothing, so a new limit costs no time.

Inputs: precision (precision.json of the step compile) and evaluation (evaluation.json); or deploy (deploy.json), for
what was measured on a board. Each is optional.
Outputs: judge.json.

``judge.json`` has ``checks``, one entry for each figure that the recipe limits:

    figure   what is limited, in words
    field    the field of the recipe that limits it
    value    what was measured
    bound    ``at most`` or ``at least``
    limit    what the recipe allows
    passed   whether the value keeps to it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import CheckError
from recipebuild.facts.metrics import metric_title
from recipebuild.figures.judged import Check, Judged
from recipebuild.figures.values import as_json
from recipebuild.toolkit.evaluate.noise import is_noise

CAUSES = (
    "what it may be, the likeliest first:",
    "1. preprocessing: mean, std or the resize rule are not those of the calibration; compare model.json, pulsar2.json",
    "2. channel order: Pulsar2 converts nothing between RGB and BGR; feed what model.json says",
    "3. layout: the model takes N, H, W, C bytes; a program that feeds N, C, H, W gives noise",
    "4. toolchain and runtime: a Pulsar2 that does not fit the board's firmware; recipebuild board doctor NAME",
    "5. quantization itself: compare miou_float and miou_quantized; try another quantization.method",
)
"""Why board and host may not agree."""


class Params(BaseModel):
    """The recipe's limits.

    Attributes:
        strict: Whether a precision that quantization.layers asks for must be got.
        max_drop: Largest allowed loss of the metric by quantization, as a fraction (0..1); ``None`` for any.
        min_agreement: Smallest fraction (0..1) of equal class ids, board against host.
        min_cosine: Smallest mean cosine of an output, board against host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strict: bool = False
    max_drop: float | None = Field(default=None, ge=0, le=1)
    min_agreement: float = 0.9
    min_cosine: float = 0.98


@dataclass(frozen=True)
class Judgement:
    """Figures against their limits.

    Attributes:
        checks: One entry for each limit, as in ``judge.json``.
        message: What falls short, in one line; empty if nothing does.
        remedy: What can be done about it.
    """

    checks: list[Check]
    message: str = ""
    remedy: str = ""


_UNMEASURED = Judgement(
    [],
    "evaluate.max_drop limits what quantization costs, and no quantized model was evaluated",
    "Pulsar2 models are evaluated by its simulator, which needs a target.runtime_input that is made of images; leave "
    "evaluate.max_drop out to build without that evidence",
)


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Hold every figure to its limit; write ``judge.json`` if all keep to theirs.

    Returns:
        ``checks``.

    Raises:
        CheckError: If one does not; it has all that do not, and ``checks`` as its metrics.
    """
    judgements = list(_judgements(inputs, params))
    metrics = as_json(Judged([check for judgement in judgements for check in judgement.checks]))
    short = [judgement for judgement in judgements if judgement.message]
    if short:
        raise CheckError(
            "; ".join(judgement.message for judgement in short),
            remedy="\n".join(judgement.remedy for judgement in short),
            metrics=metrics,
        )
    (out / "judge.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics


def _judgements(inputs: Mapping[str, Path], params: Params) -> Iterator[Judgement]:
    figures = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in inputs.items()}
    if params.strict and "precision" in figures:
        yield _precision(figures["precision"]["dropped"])
    if params.max_drop is not None:
        evaluation = figures.get("evaluation", {})
        yield _accuracy(evaluation, params.max_drop) if "drop" in evaluation else _UNMEASURED
    if "deploy" in figures:
        yield _board(figures["deploy"], params)


def _precision(dropped: list[str]) -> Judgement:
    """The precisions that were asked for, against those that the compiled model has."""
    check = _at_most("dropped precisions", "quantization.strict", len(dropped), 0)
    if check["passed"]:
        return Judgement([check])
    return Judgement(
        [check],
        f"precisions that quantization.layers asks for have no effect: {dropped[0]}",
        "\n".join([*dropped[1:], "ask for what the toolchain can do, or leave quantization.strict out"]),
    )


def _accuracy(figures: Mapping[str, Any], max_drop: float) -> Judgement:
    """What quantization cost, against what it may cost."""
    metric, drop = figures["metric"], figures["drop"]
    name = metric_title(metric)
    check = _at_most(f"loss of {name}", "evaluate.max_drop", drop, max_drop)
    if check["passed"]:
        return Judgement([check])
    change = f"{figures[f'{metric}_float']:.4f} to {figures[f'{metric}_quantized']:.4f}"
    bounds = figures.get("drop_interval")
    noise = ", which is within noise" if bounds and is_noise((bounds[0], bounds[1])) else ""
    return Judgement(
        [check],
        f"quantization takes {name} from {change}: a loss of {drop:.4f}{noise}, more than max_drop {max_drop:g}",
        "try another quantization.method, or more calibration images that are like those of the dataset; "
        "ladder.json tells where it is lost",
    )


def _board(figures: Mapping[str, Any], params: Params) -> Judgement:
    """How near the board's outputs are to the host's, against how near they must be."""
    same = {f"ArgMax agreement of {name}": value for name, value in figures["agreement"].items()}
    cosines = {f"mean cosine of {name}": value["mean"] for name, value in figures["cosine"].items()}
    checks = [_at_least(what, "board.min_agreement", value, params.min_agreement) for what, value in same.items()]
    checks += [_at_least(what, "board.min_cosine", value, params.min_cosine) for what, value in cosines.items()]
    low = [
        f"{check['figure']} is {check['value']:.4f}, less than {check['limit']:g}"
        for check in checks
        if not check["passed"]
    ]
    if not low:
        return Judgement(checks)
    return Judgement(checks, f"board and host do not agree: {', '.join(low)}", "\n".join(CAUSES))


def _at_most(figure: str, field: str, value: float, limit: float) -> Check:
    passed = value <= limit
    return {"figure": figure, "field": field, "value": value, "bound": "at most", "limit": limit, "passed": passed}


def _at_least(figure: str, field: str, value: float, limit: float) -> Check:
    passed = value >= limit
    return {"figure": figure, "field": field, "value": value, "bound": "at least", "limit": limit, "passed": passed}
