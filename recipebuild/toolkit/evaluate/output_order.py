"""Outputs that the compiled model gives with their axes in another order, as the network gives them.

Use: ``as_computed(values, (0, 2, 3, 1))`` for what Pulsar2 permuted so (``OutputProcessor.dst_perm``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DEFAULT = "DEFAULT"
"""Stands for all outputs, as in Pulsar2's configuration."""


def axes_of(name: str, permuted: Mapping[str, Sequence[int]]) -> Sequence[int]:
    """The order in which an output's axes are given; empty if that is the network's own."""
    return permuted.get(name) or permuted.get(DEFAULT) or ()


def as_computed(values: Array, axes: Sequence[int]) -> Array:
    """The values with their axes in the network's own order.

    Args:
        values: Of an output, transposed by ``axes``.
        axes: Empty, or of another rank than the output, for what was not transposed.
    """
    import numpy as np

    return np.transpose(values, np.argsort(axes)) if len(axes) == values.ndim else values
