"""An ONNX model as a message: its opset, and the constants that nothing takes any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.walk import nodes

if TYPE_CHECKING:
    import onnx


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that the model is written in; 0 if it names none."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def drop_unused(model: onnx.ModelProto) -> None:
    """Remove the initializers of the graph that no node takes, subgraphs' included, and the model does not give."""
    used = {name for node in nodes(model) for name in node.input}
    used |= {value.name for value in model.graph.output}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
