"""What the passes would do to a model's file, and why not; nothing is written, and nothing is run.

Use: ``[row.as_json() for row in dry_rewrite(Path("simplified.onnx"), defaults("AX650"))]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.toolkit.graph.apply import rewrite
from recipebuild.toolkit.graph.ir import load_ir
from recipebuild.toolkit.graph.passes import PASSES
from recipebuild.toolkit.graph.rewrite import prepare


@dataclass(frozen=True)
class Prospect:
    """A pass: how often it would be applied, and how often it would be refused for which reason."""

    name: str
    times: int
    refused: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def dry_rewrite(path: Path, names: Sequence[str]) -> tuple[Prospect, ...]:
    """What passes would do to the model at ``path``, in the order in which they are applied.

    Args:
        path: An ONNX model; where its shapes are not known, passes say so.
        names: The passes.

    Raises:
        StepError: If it is no ONNX model.
    """
    done = rewrite(prepare(load_ir(path)), names)
    times = {each.name: each.times for each in done.applied}
    return tuple(
        Prospect(name, times.get(name, 0), {one.reason: one.times for one in done.refused if one.name == name})
        for name in PASSES
        if name in names
    )
