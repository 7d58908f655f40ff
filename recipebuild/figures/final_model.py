"""The figures of the step head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict


class TensorRow(TypedDict):
    """An input or output of a model.

    Attributes:
        name: Its name.
        dtype: The element type in NumPy's words, such as ``float32``.
        shape: Sizes; a name where one is symbolic. ``None`` if not even the rank is known.
    """

    name: str
    dtype: str
    shape: Sequence[int | str] | None


@dataclass(frozen=True)
class FinalModel:
    """The float model with its head, which is what is compiled.

    Attributes:
        nodes: How many operators it has.
        bytes: Its size.
        inputs: What it takes.
        outputs: What it gives.
    """

    nodes: int
    bytes: int
    inputs: Sequence[TensorRow]
    outputs: Sequence[TensorRow]
