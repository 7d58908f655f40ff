"""A float model and its quantized twin, loaded to be compared.

Use: ``load_pair(model, quantized, calibration, smooth).twins``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.toolkit.analysis.tensor_pairs import Twin, find_twins
from recipebuild.toolkit.graph.files import EXTERNAL_DATA_OVER, load, size
from recipebuild.toolkit.quantize.dataset import CalibrationSet
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.smooth import smoothed

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Pair:
    """Both models, and which tensor stands for which.

    Attributes:
        model: The float model that was quantized: with smooth quantization, after outliers were moved.
        quantized: The quantized one.
        twins: By tensor of the float model.
    """

    model: onnx.ModelProto
    quantized: onnx.ModelProto
    twins: dict[str, Twin]


def load_pair(
    model: Path, quantized: Path, calibration: CalibrationSet, smooth: tuple[float, float] | None
) -> Pair | None:
    """Load both; ``None`` if they have over 2 GiB together, which one graph cannot hold.

    Args:
        model: The float model.
        quantized: What was made of it.
        calibration: The calibration set that it was made with.
        smooth: Threshold and strength of smooth quantization, if it was on.

    Raises:
        StepError: If they cannot be loaded.
    """
    if size(model) + size(quantized) > EXTERNAL_DATA_OVER:
        return None
    prepared = prepare(load(model), calibration.only_image)
    if smooth is not None:
        prepared, _ = smoothed(prepared, calibration, *smooth)
    made = load(quantized)
    return Pair(prepared, made, find_twins(prepared, made))
