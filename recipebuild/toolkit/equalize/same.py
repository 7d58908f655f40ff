"""Whether a changed model is the same function: what it gives beside what the model gave, on one input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from recipebuild.toolkit.quantize.probe import Probe

if TYPE_CHECKING:
    import onnx

Change = TypeVar("Change")
Site = TypeVar("Site")

RELATIVE = 1e-5
"""Largest change of an output, root mean square over root mean square."""


class Same:
    """How far a model's float outputs are from those of another one, on one input.

    Args:
        model: The other one.
        batch: The input.

    Raises:
        StepError: If ONNX Runtime cannot run one of them.
    """

    def __init__(self, model: onnx.ModelProto, batch: Any) -> None:
        from onnx import TensorProto

        outputs = model.graph.output
        self._names = [value.name for value in outputs if value.type.tensor_type.elem_type == TensorProto.FLOAT]
        self._batch = batch
        self._wanted = Probe(model, {}, self._names)(batch)

    def __call__(self, model: onnx.ModelProto) -> float:
        """The largest difference of an output: root mean square, over that of the output."""
        import numpy as np

        got = Probe(model, {}, self._names)(self._batch)
        errors = (
            float(np.sqrt(np.square(a - b, dtype=np.float64).sum() / max(np.square(b, dtype=np.float64).sum(), 1e-30)))
            for a, b in zip(got, self._wanted, strict=True)
        )
        return max(errors, default=0.0)


def harmless(
    model: onnx.ModelProto,
    chosen: Sequence[tuple[Change, Site]],
    same: Same,
    apply: Callable[[onnx.ModelProto, Sequence[Change]], onnx.ModelProto],
) -> tuple[list[Site], onnx.ModelProto]:
    """The changes that leave the function as it is, and the model with them; all at once if that goes well."""
    candidate = apply(model, [change for change, _ in chosen])
    if not chosen or same(candidate) <= RELATIVE:
        return [done for _, done in chosen], candidate
    if len(chosen) == 1:
        return [], model
    half = len(chosen) // 2
    kept, candidate = harmless(model, chosen[:half], same, apply)
    more, candidate = harmless(candidate, chosen[half:], same, apply)
    return kept + more, candidate


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which each node has a name of its own."""
    copy = type(model)()
    copy.CopyFrom(model)
    taken: set[str] = set()
    for number, node in enumerate(copy.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}_{number}"
        taken.add(node.name)
    return copy
