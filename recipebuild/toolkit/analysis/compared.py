"""The tensor by which two versions of a model are compared: its logits, features or map.

Use: ``compared(model, twins, class_axis)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.analysis.session import OrtSession, feed, giving

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

    Where that is in one of the models alone, the next output is taken.

    Args:
        model: The float model.
        twins: What ``find_twins`` gives.
        class_axis: The axis of the classes, where the output is no ArgMax; ``None`` if it has none.

    Raises:
        StepError: If there is no such tensor in both models.
    """
    makers = {output: node for node in model.graph.node for output in node.output}
    for output in model.graph.output:
        name, axis = _behind(output.name, makers, class_axis)
        if name in twins:
            return Compared(twins[name], axis)
    name = model.graph.output[0].name
    raise StepError(f"the quantized model has no {name}, by which it could be compared with the float one")


def _behind(name: str, makers: Mapping[str, onnx.NodeProto], class_axis: int | None) -> tuple[str, int | None]:
    """What an ArgMax or threshold that gives ``name`` takes, or ``name`` itself; and the axis of its classes."""
    while (node := makers.get(name)) is not None and node.op_type in (
        "ArgMax",
        "Greater",
        "Cast",
        "Squeeze",
        "Identity",
    ):
        if node.op_type == "ArgMax":
            class_axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        elif (
            node.op_type == "Greater"
        ):  # a threshold on the logits of one class, among which there is nothing to choose
            class_axis = None
        name = node.input[0]
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
