"""An ONNX file in figures, as ``recipebuild inspect`` and ``diff`` tell them.

Use: ``describe(Path("model.onnx")).as_json()``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.cost import layout_changes, multiply_adds, peak_activation_bytes, type_changes
from recipebuild.toolkit.graph.files import load, size
from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.graph.statistics import Tensor, inputs, operator_counts, outputs, parameters


@dataclass(frozen=True)
class Description:
    """What is in a model, and what it costs.

    Attributes:
        file: Its name.
        bytes: Of the file, with external data.
        opset: Of ONNX's own operators.
        producer: What wrote it.
        inputs: What it must be fed.
        outputs: What it gives.
        nodes: How many.
        parameters: Elements of all initializers.
        multiply_adds: In products and convolutions.
        peak_activation_bytes: The most that activations take at once.
        layout_changes: Rearrangements on an engine that keeps images channels last.
        type_changes: Nodes that change the element type.
        operators: How many of each.
    """

    file: str
    bytes: int
    opset: int
    producer: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    nodes: int
    parameters: int
    multiply_adds: int
    peak_activation_bytes: int
    layout_changes: int
    type_changes: int
    operators: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def describe(path: Path) -> Description:
    """The figures of the model at ``path``; its weights are not read.

    Raises:
        StepError: If it is no ONNX model, is cut short, or names two of its inputs alike.
    """
    model = load(path, weights=False)
    names = [tensor.name for tensor in inputs(model)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StepError(f"{path.name} has two inputs named {twice[0]}", remedy="export it again, with a name for each")
    return Description(
        file=path.name,
        bytes=size(path),
        opset=opset_of(model),
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        inputs=tuple(inputs(model)),
        outputs=tuple(outputs(model)),
        nodes=len(model.graph.node),
        parameters=parameters(model),
        multiply_adds=multiply_adds(model),
        peak_activation_bytes=peak_activation_bytes(model),
        layout_changes=layout_changes(model),
        type_changes=type_changes(model),
        operators=operator_counts(model),
    )
