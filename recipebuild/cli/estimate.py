"""``estimate``."""

from __future__ import annotations

from typing import Any

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def estimate(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    store: opt.Store = None,
    as_json: opt.Json = False,
) -> None:
    """Estimate the latency of recipes on a chip. Uses public measurements and your own.

    Example: recipebuild estimate b0-cityscapes --weights random
    """
    from recipebuild.cli.live import display
    from recipebuild.verbs.estimate import Options, estimate

    options = Options(sets=opt.merged_sets(sets, weights, None), store=store)
    with display() as on_event:
        estimates = estimate(recipes, options, on_event)
    if as_json:
        print_json(estimates)
    else:
        checks = [_check(one["check"]) for one in estimates if one["check"]]
        typer.echo("\n".join([*(_text(one) for one in estimates), *checks[:1]]))


def _text(estimate: dict[str, Any]) -> str:
    costs = estimate["costs"]
    name = f"{estimate['recipe']} {estimate['variant']}".strip()
    span = f"{estimate['low']:.3g} to {estimate['high']:.3g}"
    counted = (
        f"{(costs['conv'] + costs['matmul']) / 1e9:.3g} G multiply-adds, {costs['parameters'] / 1e6:.3g} M parameters"
    )
    parts = ", ".join(f"{part} {ms:.3g}" for part, ms in estimate["parts"].items() if ms > 0.01 * estimate["ms"])
    half, most = 100 * estimate["median_error"], 100 * estimate["range_error"]
    return (
        f"{name}: an estimate of {estimate['ms']:.3g} ms, {span}, on {estimate['hardware']} {estimate['npu_mode']}\n"
        f"  {counted}; ms: {parts}\n"
        f"  fitted on {estimate['models']} measured models: estimating each by the others, half are within {half:.0f} "
        f"%, four in five within {most:.0f} %"
    )


def _check(check: dict[str, Any]) -> str:
    return (
        f"a check: {check['name']} on {check['npu_mode']}, which is not among them, was measured at "
        f"{check['measured_ms']:.2f} ms, and is estimated at {check['ms']:.1f} ms"
    )
