"""A LayerNormalization over more than the last axis, or with a computed scale, is spelled in elementary operators.

    LayerNormalization(x, scale, bias)  =  (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * scale + bias

as ``spell_out_layer_norm`` does. The others stay: ``fuse_layer_norm`` makes them.

Evidence: axis may be -1 only (pulsar2-docs-en, appendix/op_support_list_ax650.md); a scale that is not a constant ends
the build (onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import array, attribute, sizes, sure
from recipebuild.toolkit.graph.passes.on_request import spell_out_layer_norm
from recipebuild.toolkit.graph.passes.on_request.spell_out_layer_norm import OPSET, Match, check, rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["OPSET", "check", "pattern", "rewrite"]


def pattern(node: ir.Node) -> Match | None:
    """A LayerNormalization of an axis or a scale that is not taken."""
    match = spell_out_layer_norm.pattern(node)
    if match is None:
        return None
    rank = len(sure(sizes(node.inputs[0])))
    last = attribute(node, "axis", -1) % rank == rank - 1
    constant = all(array(value) is not None for value in node.inputs[1:] if value is not None)
    return None if last and constant else match
