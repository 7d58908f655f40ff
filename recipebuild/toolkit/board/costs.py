"""What a model costs on a board, as the estimate of its time and the latency book have it: ``costs(path)``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.cost import work
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.statistics import inputs, parameters


@dataclass(frozen=True)
class Costs:
    """What one run costs.

    Attributes:
        conv: Multiply-adds in convolutions.
        matmul: Multiply-adds in matrix products.
        parameters: Elements of all weights.
        image_bytes: Elements of the input; the feature maps of an image network grow with it.
        softmax_sizes: Elements of each Softmax's output: attention maps.
    """

    conv: int
    matmul: int
    parameters: int
    image_bytes: int
    softmax_sizes: tuple[int, ...] = ()


def costs(path: Path) -> Costs:
    """The costs of the model at ``path``.

    Raises:
        StepError: If a size in it is not known beforehand.
    """
    model = load(path, weights=False)
    totals = work(model)
    if totals.unknown:
        raise StepError(
            f"the size of the tensor {totals.unknown[0]} is not known beforehand",
            remedy="give the model a static shape",
        )
    input_values = sum(math.prod(tensor.sizes or (0,)) for tensor in inputs(model))
    return Costs(totals.conv, totals.matmul, parameters(model), input_values, totals.softmax_sizes)
