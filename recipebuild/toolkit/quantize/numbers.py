"""From a range to scale, zero point and codes: the arithmetic of each type, as Pulsar2 has it.

    U8, U16   over [min(low, 0), max(high, 0)]: scale = float32((high - low) / 255), 0 at round(-low/scale)
    S8, S16   symmetric: scale = float32(max|x| / 127.5), 0 at 0
    S32       symmetric, for biases: the scale is that of the input times that of the weight

Source: ``docs/quantization.md``. All roundings are to the nearest, halves to even.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recipebuild.toolkit.quantize.ranges import Range

    Array = npt.NDArray[Any]

Type = Literal["U8", "S8", "U16", "S16", "S32", "FP32"]

BITS: Mapping[Type, int] = {"U8": 8, "S8": 8, "U16": 16, "S16": 16, "S32": 32, "FP32": 32}
SIGNED: frozenset[Type] = frozenset({"S8", "S16", "S32"})
_ZERO_SCALE = 1e-6
"""Of a channel of weights that are all zero: small, so that the bias, whose scale it is part of, stays fine."""


@dataclass(frozen=True)
class Parameters:
    """Of a quantized tensor.

    Attributes:
        type: Of the codes.
        scale: float32; one number, or one per channel.
        zero_point: The code of 0, as many as scales.
        axis: The channels' axis; ``None`` for one scale for all.
    """

    type: Type
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int | None = None


def limits(kind: Type) -> tuple[int, int]:
    """The smallest and largest code."""
    bits = BITS[kind]
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind in SIGNED else (0, 2**bits - 1)


def code_type(kind: Type) -> np.dtype[Any]:
    """The NumPy type of its codes."""
    import numpy as np

    return np.dtype(f"{'int' if kind in SIGNED else 'uint'}{BITS[kind]}")


def of_range(kind: Type, bounds: Range) -> Parameters:
    """The parameters of an activation, or of a constant, whose values lie in ``bounds``.

    A tensor that is 0 throughout has no scale of its own; 1 does as well as any.
    """
    import numpy as np

    low, high = min(bounds.low, 0.0), max(bounds.high, 0.0)
    steps = 2 ** BITS[kind] - 1
    if low == high:
        return Parameters(kind, np.ones((), np.float32), np.zeros((), np.int64))
    if kind in SIGNED:
        scale = np.float32(max(-low, high) / (steps / 2))
        return Parameters(kind, np.asarray(scale), np.zeros((), np.int64))
    scale = np.float32((high - low) / steps)
    return Parameters(kind, np.asarray(scale), np.asarray(np.rint(-low / scale), np.int64))


def of_weights(kind: Type, weights: Array, axis: int | None) -> Parameters:
    """The parameters of weights, symmetric, per channel along ``axis`` or for all at once."""
    import numpy as np

    others = None if axis is None else tuple(i for i in range(weights.ndim) if i != axis % weights.ndim)
    largest = np.abs(weights).max(axis=others).astype(np.float32)
    scale = np.asarray(largest / ((2 ** BITS[kind] - 1) / 2), np.float32)
    scale = np.where(scale > 0, scale, np.float32(_ZERO_SCALE))
    return Parameters(kind, scale, np.zeros(scale.shape, np.int64), axis)


def codes(values: Array, parameters: Parameters) -> Array:
    """``values`` as codes; those outside of what the codes reach are clipped. The division is one of float32."""
    import numpy as np

    low, high = limits(parameters.type)
    scale, zero_point = (
        _along(parameter, values, parameters.axis) for parameter in (parameters.scale, parameters.zero_point)
    )
    if parameters.type == "S32":  # 32 bits are more than a float32 holds
        rounded = np.rint(values.astype(np.float64) / scale) + zero_point
    else:
        rounded = np.rint(values.astype(np.float32) / scale) + zero_point
    return np.asarray(np.clip(rounded, low, high), code_type(parameters.type))


def values_of(codes: Array, parameters: Parameters) -> npt.NDArray[np.float32]:
    """What codes stand for."""
    import numpy as np

    scale, zero_point = (
        _along(parameter, codes, parameters.axis) for parameter in (parameters.scale, parameters.zero_point)
    )
    return np.asarray((codes.astype(np.int64) - zero_point).astype(np.float32) * scale, np.float32)


def _along(parameter: Array, values: Array, axis: int | None) -> Array:
    """A parameter per channel in a shape that is multiplied with ``values``."""
    if axis is None:
        return parameter
    shape = [1] * values.ndim
    shape[axis] = -1
    return parameter.reshape(shape)
