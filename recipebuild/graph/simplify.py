"""ONNX -> a smaller ONNX of the same function, by onnxsim: static shape, constants folded, operators fused.

Use: ``simplify(path, "pixel_values", (1, 3, 640, 1280))``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError, reason
from recipebuild.graph.files import load
from recipebuild.graph.statistics import inputs

if TYPE_CHECKING:
    import onnx

logger = logging.getLogger(__name__)


def simplify(path: Path, input_name: str, shape: Sequence[int]) -> onnx.ModelProto:
    """The model at ``path``, simplified for one input shape.

    onnxsim reads the file itself, so that models over 2 GiB pass, too. It checks what it made against the ONNX
    specification; whether the numbers are the same is not tried on random input here but on images, by ``verify``.

    Args:
        path: The ``.onnx`` file.
        input_name: The model's one input.
        shape: Its sizes; they take the place of symbolic and unknown ones.

    Raises:
        StepError: If the model cannot be read, has other inputs, a fixed shape that is another, or onnxsim fails.
    """
    import onnxsim

    original = load(path, weights=False)
    _check_input(original, path, input_name, shape)
    try:
        simplified, valid = onnxsim.simplify(str(path), overwrite_input_shapes={input_name: list(shape)})
    except (OSError, MemoryError):
        raise
    except Exception as error:  # of onnx, of protobuf, or of C++: they have no other base in common
        raise StepError(
            f"onnxsim cannot simplify {path.name}: {reason(error)}",
            remedy="the model breaks the ONNX specification, or holds operators that onnxsim does not know: "
            "export it again, with another export.opset or export.exporter",
        ) from error
    if not valid:
        raise StepError(f"onnxsim finds that its result differs from {path.name}")
    _keep_metadata(original, simplified)
    logger.info("%d nodes before, %d after", len(original.graph.node), len(simplified.graph.node))
    return simplified


def _check_input(model: onnx.ModelProto, path: Path, name: str, shape: Sequence[int]) -> None:
    """Find that the model has the one input that the recipe describes."""
    found = inputs(model)
    named = ", ".join(map(str, found)) or "none"
    if name not in [tensor.name for tensor in found]:
        raise StepError(
            f"{path.name} has no input {name}; its inputs: {named}", remedy="set input.name to the name in the model"
        )
    if len(found) > 1:
        raise StepError(
            f"{path.name} has {len(found)} inputs: {named}",
            remedy="a recipe describes one input; make the others constants of the model",
        )
    fixed = found[0].shape
    if fixed is None:
        return
    fits = len(fixed) == len(shape) and all(
        isinstance(old, str) or old == new for old, new in zip(fixed, shape, strict=True)
    )
    if not fits:
        raise StepError(
            f"{path.name} is made for the input {found[0]}, the recipe says {'x'.join(map(str, shape))}",
            remedy="set input.shape to the model's, or export the model for the shape wanted",
        )


def _keep_metadata(original: onnx.ModelProto, simplified: onnx.ModelProto) -> None:
    """Give nodes back what onnxsim drops, such as the module that they come from; take out its own remarks.

    A node of the simplified model stems from the one that made the same tensor; a new one, such as a Gemm of MatMul and
    Add, from the one that had its bias, or its weight.
    """
    by_output = {node.output[0]: node.metadata_props for node in original.graph.node if node.output}
    stored = {tensor.name for tensor in original.graph.initializer}
    by_weight = {
        name: node.metadata_props for node in reversed(original.graph.node) for name in node.input if name in stored
    }
    for node in simplified.graph.node:
        del node.metadata_props[:]
        weights = (by_weight[name] for name in reversed(node.input) if name in by_weight)
        node.metadata_props.extend(by_output.get(node.output[0]) or next(weights, ()))
    del simplified.metadata_props[:]
    simplified.metadata_props.extend(original.metadata_props)
