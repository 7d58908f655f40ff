"""Is it still the same function? What a model gives on ONNX Runtime against what it should give.

got = run_model(path, [{"pixel_values": image}])
difference(expected, got).beyond(relative=1e-3, agreement=0.999)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import CheckError, StepError, reason
from recipebuild.toolkit.graph.session_options import session_options

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Outputs = list[Array]


@dataclass(frozen=True)
class OutputDifference:
    """How far one model is from another, at worst, over all images.

    Attributes:
        absolute: max|a - b| over the floating-point outputs; ``None`` if there are none.
        relative: max|a - b| / max|b| over a tensor, where b is what is expected: so it is measured against the tensor's
            largest value, and a zero in it does no harm. ``None`` if there are no floating-point outputs.
        agreement: The fraction of equal elements (0..1) of the integer outputs, which are class ids; ``None`` if there
            are none.
    """

    absolute: float | None
    relative: float | None
    agreement: float | None

    def beyond(self, *, relative: float, agreement: float) -> bool:
        """Whether the relative error is above ``relative``, or the agreement below ``agreement``."""
        too_far = self.relative is not None and self.relative > relative
        return too_far or (self.agreement is not None and self.agreement < agreement)

    def __str__(self) -> str:
        parts = []
        if self.relative is not None:
            parts.append(f"relative error {self.relative:.3g}")
        if self.absolute is not None:
            parts.append(f"absolute error {self.absolute:.3g}")
        if self.agreement is not None:
            parts.append(f"ArgMax agreement {100 * self.agreement:.3f} %")
        return ", ".join(parts)


def run_model(path: Path, feeds: Sequence[Mapping[str, Array]]) -> list[Outputs]:
    """The outputs of the ONNX model at ``path`` for each of ``feeds``, in the model's order, on the CPU.

    Raises:
        StepError: If ONNX Runtime cannot load or run the model.
    """
    import onnxruntime as ort

    options = session_options()
    options.enable_cpu_mem_arena = False  # it keeps all that was ever needed: 3.3 GB in place of 2.4 for SegFormer-B5
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return [session.run(None, dict(feed)) for feed in feeds]
    except Exception as error:  # ONNX Runtime's errors have no other base in common
        raise StepError(f"ONNX Runtime cannot run {path.name}: {reason(error)}") from error


def with_classes(outputs: Outputs, axis: int | None, *, keepdims: bool = True) -> Outputs:
    """The outputs, and after them the int64 class ids that an ArgMax over ``axis`` of the first one gives."""
    if axis is None:
        return outputs
    return [*outputs, outputs[0].argmax(axis, keepdims=keepdims)]


def in_order_of(expected: Outputs, got: Outputs) -> Outputs:
    """The rows of ``got`` in the order of the rows of ``expected`` that they are nearest to, each at one place.

    Detectors that choose their queries by score (RT-DETR, D-FINE) give the same objects in another order where two
    scores are equal but for rounding.

    Args:
        expected: Tensors [N, rows, ...], whose rows belong together: logits and boxes.
        got: As many, of the same shapes.
    """
    import numpy as np

    if [tensor.shape for tensor in expected] != [tensor.shape for tensor in got]:
        return got  # which is told as that
    ordered = [tensor.copy() for tensor in got]
    for image in range(len(expected[0])):
        right, actual = (
            np.concatenate([t[image].reshape(t.shape[1], -1) for t in each], 1) for each in (expected, got)
        )
        left = list(range(len(actual)))
        order = [left.pop(int(np.abs(actual[left] - row).max(axis=1).argmin())) for row in right]
        for tensor, source in zip(ordered, got, strict=True):
            tensor[image] = source[image][order]
    return ordered


def difference(expected: Sequence[Outputs], got: Sequence[Outputs]) -> OutputDifference:
    """The difference between two models' outputs.

    Args:
        expected: For each image, the outputs as they should be.
        got: For each image, as many outputs, compared by their position.

    Raises:
        CheckError: If ``got`` has NaN or infinite values, or other shapes than ``expected``.
    """
    errors: list[tuple[float, float]] = []
    same = total = 0
    for right, actual in zip(expected, got, strict=True):
        if [array.shape for array in right] != [array.shape for array in actual]:
            raise CheckError(f"outputs of shape {_shapes(actual)} instead of {_shapes(right)}")
        check_finite(actual)
        for a, b in zip(actual, right, strict=True):
            if b.dtype.kind == "f":
                errors.append(_errors(a, b))
            else:
                same += int((a == b).sum())
                total += b.size
    absolute, relative = (max(column) for column in zip(*errors, strict=True)) if errors else (None, None)
    return OutputDifference(absolute, relative, same / total if total else None)


def check_finite(outputs: Outputs) -> None:
    """Find that all values are numbers.

    Raises:
        CheckError: If there is a NaN or an infinite value.
    """
    import numpy as np

    for tensor in outputs:
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            nan, infinite = int(np.isnan(tensor).sum()), int(np.isinf(tensor).sum())
            raise CheckError(f"the output has {nan} NaN and {infinite} infinite values among {tensor.size}")


def _errors(a: Array, b: Array) -> tuple[float, float]:
    """max|a - b| and max|a - b| / max|b|, in float64."""
    import numpy as np

    absolute = float(np.abs(np.subtract(a, b, dtype=np.float64)).max(initial=0.0))
    largest = float(np.abs(b).max(initial=0.0))
    # Where all of b is zero any error is infinite; a large number says so and is still JSON.
    return absolute, absolute / max(largest, float(np.finfo(np.float32).tiny))


def _shapes(outputs: Outputs) -> str:
    return ", ".join("x".join(map(str, tensor.shape)) for tensor in outputs)
