"""The figures of the step export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Exported:
    """The graph as the exporter wrote it.

    Attributes:
        opset: The version of its operator set.
        nodes: How many operators it has.
        bytes: Its size, weights included.
        parameters: How many the PyTorch model has.
        exporter: Which exporter of torch wrote it.
        operators: How many nodes of each type.
    """

    opset: int
    nodes: int
    bytes: int
    parameters: int
    exporter: str
    operators: Mapping[str, int]
