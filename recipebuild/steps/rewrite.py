"""rewrite: ONNX -> ONNX of the same function with less work.

Inputs: model (ONNX, static shapes).   Outputs: rewritten.onnx (and .data over 2 GiB).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.figures.rewritten import Pass, Refusal, Rewritten
from recipebuild.figures.values import as_json
from recipebuild.toolkit.graph.cost import layout_changes, multiply_adds, peak_activation_bytes
from recipebuild.toolkit.graph.files import check, load, size
from recipebuild.toolkit.graph.passes import defaults
from recipebuild.toolkit.graph.rewrite import Limits, rewrite_file
from recipebuild.toolkit.graph.statistics import operator_table, operators_and_constants

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Which rewrites, and how far the result may be from what it was.

    Attributes:
        enabled: Whether to rewrite at all.
        target: What the graph is for: a chip, such as ``AX650``, or ``host``.
        switches: Rewrites that the recipe turns on or off, whatever is usual for the target.
        class_axis: The axis over which the head takes an ArgMax; ``None`` for none.
        any_order: Whether rows may come in another order: objects, which are chosen by score.
        relative: Largest allowed max|a - b| / max|b| of an output.
        agreement: Smallest allowed fraction (0..1) of equal ArgMax.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    target: str = "host"
    switches: Mapping[str, bool] = Field(default_factory=dict)
    class_axis: int | None = None
    any_order: bool = False
    relative: float = Field(default=1e-4, gt=0)
    agreement: float = Field(default=1 - 1e-4, ge=0, le=1)


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Rewrite the model and find that it still gives the same.

    Returns:
        The figures that ``recipebuild/figures/rewritten.py`` names.
    """
    target = out / "rewritten.onnx"
    names = [name for name in defaults(params.target) if params.switches.get(name, True)]
    names += [name for name, on in params.switches.items() if on and name not in names]
    limits = Limits(params.relative, params.agreement, params.class_axis, params.any_order)
    result = rewrite_file(inputs["model"], target, names if params.enabled else [], limits, progress)
    check(target)
    for name in result.rolled_back:
        logger.warning("RB604 %s was taken back: it changed the output of the model", name)
    difference = result.difference
    before, after = _work(inputs["model"]), _work(target)
    return as_json(
        Rewritten(
            passes=[Pass(name=each.name, times=each.times, nodes=each.after) for each in result.applied],
            refused=[Refusal(name=each.name, reason=each.reason, times=each.times) for each in result.refused],
            rolled_back=list(result.rolled_back),
            relative=difference.relative if difference else None,
            agreement=difference.agreement if difference else None,
            nodes_before=before.nodes,
            multiply_adds_before=before.multiply_adds,
            layout_changes_before=before.layout_changes,
            peak_activation_bytes_before=before.peak_activation_bytes,
            nodes_after=after.nodes,
            multiply_adds_after=after.multiply_adds,
            layout_changes_after=after.layout_changes,
            peak_activation_bytes_after=after.peak_activation_bytes,
            operators=operator_table(before.operators, after.operators),
            bytes=size(target),
        )
    )


@dataclass(frozen=True)
class _Work:
    """How much there is to do in a model."""

    nodes: int
    multiply_adds: int
    layout_changes: int
    peak_activation_bytes: int
    operators: Counter[str]


def _work(path: Path) -> _Work:
    """Of the model in a file; one at a time is in memory."""
    model = load(path, weights=False)
    return _Work(
        nodes=len(model.graph.node),
        multiply_adds=multiply_adds(model),
        layout_changes=layout_changes(model),
        peak_activation_bytes=peak_activation_bytes(model),
        operators=operators_and_constants(model),
    )
