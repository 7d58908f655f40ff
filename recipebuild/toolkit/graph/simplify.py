"""ONNX -> a smaller ONNX of the same function, by onnxsim: static shape, constants folded, operators fused.

Use: ``simplify(path, "pixel_values", (1, 3, 640, 1280))``.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.files import load, save
from recipebuild.toolkit.graph.image_layout import layout, planar
from recipebuild.toolkit.graph.proto import bare
from recipebuild.toolkit.graph.statistics import Tensor, inputs

if TYPE_CHECKING:
    import onnx

logger = logging.getLogger(__name__)

_FOLDED = "16MB"
"""The largest tensor that is folded at first: onnxsim keeps all that it folds, such as the indices of BEiT's relative
positions, until it is done. 2.5 GB for 3.9 of a BEiT at 640x640, the same graph."""


def simplify(
    path: Path,
    image: str | None,
    shape: Sequence[int] | None,
    more: Mapping[str, Sequence[int]] = MappingProxyType({}),
    dtypes: Mapping[str, str] = MappingProxyType({}),
) -> onnx.ModelProto:
    """The model at ``path``, simplified for fixed shapes of its inputs.

    onnxsim reads the file itself, so that models over 2 GiB pass, too. It checks what it made against the ONNX
    specification; whether the numbers are the same is not tried on random input here but on images, by ``verify``.

    Args:
        path: The ``.onnx`` file.
        image: The image's input; ``None`` for a model without one.
        shape: Its sizes; they take the place of symbolic and unknown ones.
        more: Likewise the sizes of all other inputs, by name.
        dtypes: The element types of other inputs, by name, where they are known.

    Raises:
        StepError: If the model cannot be read, has other inputs, a fixed shape that is another, or onnxsim fails.
    """
    import onnxsim

    original = bare(load(path, weights=False))  # onnxsim needs the memory
    shapes = {name: list(sizes) for name, sizes in more.items()}
    if image is not None and shape is not None:
        shapes = {image: list(shape), **shapes}
    check_inputs(original, path, shapes, image, dtypes)
    try:
        with _planar(path, original, image) as source:
            simplify_up_to = partial(onnxsim.simplify, str(source), overwrite_input_shapes=shapes)
            simplified, valid = simplify_up_to(tensor_size_threshold=_FOLDED)
            if _has_fused_attention(simplified):  # only then: without a pass the others come to other names
                simplify_up_to = partial(simplify_up_to, skipped_optimizers=["fuse_attention"])
                del simplified  # two of a large model at once are one too many
                simplified, valid = simplify_up_to(tensor_size_threshold=_FOLDED)
            if _has_constant_nodes(simplified):  # a large weight that is transposed, say
                del simplified
                simplified, valid = simplify_up_to()
    except (OSError, MemoryError, StepError):
        raise
    except Exception as error:  # of onnx, of protobuf, or of C++: they have no other base in common
        raise StepError(
            f"onnxsim cannot simplify {path.name}: {reason(error)}",
            field="model.source",
            remedy="the model breaks the ONNX specification, or holds operators that onnxsim does not know: "
            "export it again, with another export.opset or export.exporter",
        ) from error
    if not valid:
        raise StepError(f"onnxsim finds that its result differs from {path.name}")
    _keep_metadata(original, simplified)
    logger.info("%d nodes before, %d after", len(original.graph.node), len(simplified.graph.node))
    return simplified


def _has_fused_attention(model: onnx.ModelProto) -> bool:
    """Whether onnxsim made ONNX Runtime's own operator of an attention (PVT v2's), which hides what is quantized."""
    return any(node.op_type == "Attention" and node.domain == "com.microsoft" for node in model.graph.node)


def _has_constant_nodes(model: onnx.ModelProto) -> bool:
    """Whether a node takes constants alone; a weight that is kept in 8 bits stays so."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return any(
        node.input and node.op_type != "DequantizeLinear" and constants.issuperset(filter(None, node.input))
        for node in model.graph.node
    )


@contextlib.contextmanager
def _planar(path: Path, model: onnx.ModelProto, image: str | None) -> Iterator[Path]:
    """The file itself, or where its image is not float32 N, C, H, W, one for a while where it is."""
    tensor = next((tensor for tensor in inputs(model) if tensor.name == image), None)
    if tensor is None or (tensor.dtype == "float32" and layout(tensor) != "NHWC"):
        yield path
        return
    with tempfile.TemporaryDirectory(dir=".") as folder:
        save(planar(load(path), tensor.name), Path(folder) / path.name)
        yield Path(folder) / path.name


def check_inputs(
    model: onnx.ModelProto,
    path: Path,
    shapes: Mapping[str, Sequence[int]],
    image: str | None,
    dtypes: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Find that the model has the inputs that the recipe describes, and no others.

    Args:
        model: The model at ``path``.
        path: Its file, for messages.
        shapes: The sizes of the inputs by name.
        image: Which of them is the image; ``None`` if none is.
        dtypes: The element types of the others, where they are known.

    Raises:
        StepError: If it has not.
    """
    tensors = inputs(model)
    named = ", ".join(map(str, tensors)) or "none"
    for name in shapes:
        if name not in [tensor.name for tensor in tensors]:
            field = "input.name" if name == image else "inputs"
            remedy = f"set {'input.name' if name == image else 'its name there'} to the name in the model"
            if name == image and all(tensor.shape and len(tensor.shape) != 4 for tensor in tensors):
                remedy = "describe what it takes in inputs, with kind: tensor"
            raise StepError(f"{path.name} has no input {name}; its inputs: {named}", field=field, remedy=remedy)
    if len(tensors) > len(shapes):
        others = ", ".join(tensor.name for tensor in tensors if tensor.name not in shapes)
        raise StepError(
            f"{path.name} has {len(tensors)} inputs: {named}",
            field="inputs",
            remedy=f"describe {others} in inputs or more_inputs, or make constants of them in the model",
        )
    for tensor in tensors:
        if tensor.name == image and tensor.dtype not in ("float32", "uint8"):
            raise StepError(
                f"{path.name} takes the image as {tensor.dtype}, and must take it as float32",
                field="model.source",
                remedy="export it without the conversion; target.runtime_input decides what the board feeds",
            )
        if (wanted := dtypes.get(tensor.name)) and tensor.dtype != wanted:
            raise StepError(
                f"{path.name} is made for the input {tensor}, the recipe says {wanted}",
                field="inputs",
                remedy=f"dtype: {tensor.dtype}",
            )
        shape = shapes[tensor.name]
        if tensor.name == image and layout(tensor) == "NHWC" and len(shape) == 4:
            shape = [shape[0], *shape[2:], shape[1]]
        _check_shape(tensor, path, shape, "input.shape" if tensor.name == image else "inputs")


def _check_shape(tensor: Tensor, path: Path, shape: Sequence[int], field: str) -> None:
    fixed = tensor.shape
    if fixed is None:
        return
    fits = len(fixed) == len(shape) and all(
        isinstance(old, str) or old == new for old, new in zip(fixed, shape, strict=True)
    )
    if not fits:
        raise StepError(
            f"{path.name} is made for the input {tensor}, the recipe says {'x'.join(map(str, shape))}",
            field=field,
            remedy=f"set {'its shape' if field == 'inputs' else field} to the model's, or export the model for the "
            "shape wanted",
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
