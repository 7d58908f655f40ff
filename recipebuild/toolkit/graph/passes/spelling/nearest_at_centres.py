"""A Resize that repeats pixels does so by the rounding that the NPU has.

    x[floor(i / s)]  =  x[round((i + 0.5) / s - 0.5)]    for a whole factor s: never half way between two

Evidence: nearest_mode may be round_prefer_ceil only (pulsar2-docs-en, appendix/op_support_list_ax650.md); PyTorch's
exporters write floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute
from recipebuild.toolkit.graph.passes.terms import repeats

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The Resize."""

    resize: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Resize that rounds in another way."""
    nearest = node.op_type == "Resize" and attribute(node, "mode", "nearest") == "nearest"
    other = attribute(node, "nearest_mode", "round_prefer_floor") != "round_prefer_ceil"
    return Match(node) if nearest and other else None


def check(match: Match) -> str | None:
    """It repeats each pixel a whole number of times."""
    return None if repeats(match.resize) is not None else "Resize does more than repeat pixels"


def rewrite(edit: Edit, match: Match) -> None:
    """Say so in the other way."""
    import onnx_ir as ir

    how = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
    for attr in ir.convenience.convert_attributes(how):
        match.resize.attributes.add(attr)
