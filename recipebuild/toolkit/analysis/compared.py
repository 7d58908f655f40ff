"""The tensor by which two versions of a model are compared: its logits, features or map.

Use: ``compared(model, twins, class_axis)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.analysis.channels import other_axes
from recipebuild.toolkit.analysis.session import OrtSession, feed, giving
from recipebuild.toolkit.evaluate.classes import computed_by

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.analysis.tensor_pairs import Twin

    Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Compared:
    """A float32 tensor of the float model, and the axis of its classes, if it has classes."""

    twin: Twin
    class_axis: int | None


def compared(model: onnx.ModelProto, twins: Mapping[str, Twin], class_axis: int | None) -> Compared:
    """The float32 tensor that the model's first output is, or that the ArgMax or threshold before it takes.

    Where that is in one of the models alone, or the output is of integers that come from something else, the next
    output is taken; of a model with no other outputs the last float32 tensor that both models have.

    Args:
        model: The float model.
        twins: What ``find_twins`` gives.
        class_axis: The axis of the classes, where the output is no ArgMax; ``None`` if it has none.

    Raises:
        StepError: If there is no such tensor in both models.
    """
    import onnx

    makers = {output: node for node in model.graph.node for output in node.output}
    whole = {value.name for value in model.graph.output if value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT}
    behind = [_behind(output.name, makers, class_axis) for output in model.graph.output]
    numbers = [(name, axis) for name, axis in behind if name not in whole]
    for name, axis in numbers:
        if name in twins:
            return Compared(twins[name], axis)
    if not numbers:
        floats = other_axes(model)
        for name in reversed(list(twins)):
            if name in floats and name in makers:
                return Compared(twins[name], None)
    name = model.graph.output[0].name
    raise StepError(f"the quantized model has no {name}, by which it could be compared with the float one")


def _behind(name: str, makers: Mapping[str, onnx.NodeProto], class_axis: int | None) -> tuple[str, int | None]:
    """What an ArgMax or threshold that gives ``name`` takes, or ``name`` itself; and the axis of its classes."""
    node = computed_by(name, makers)
    if node is not None and node.op_type == "ArgMax":
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        return node.input[0], axis
    if node is not None and node.op_type == "Greater":  # of one class, among which there is nothing to choose
        return node.input[0], None
    return name, class_axis


def both(
    model: onnx.ModelProto, quantized: onnx.ModelProto, output: Compared, batches: Iterable[Array | Mapping[str, Any]]
) -> Iterator[tuple[Array, Array]]:
    """The compared tensor of the float model and of the quantized one, for each batch.

    Raises:
        StepError: If ONNX Runtime cannot run the models.
    """
    first = OrtSession(giving(model, [output.twin.values]), [output.twin.values])
    second = OrtSession(giving(quantized, [output.twin.seen]), [output.twin.seen])
    for batch in batches:
        fed = feed(model, batch)
        yield first(fed)[0], second(fed)[0]
