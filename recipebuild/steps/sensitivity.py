"""sensitivity: what each block of the model loses in 8 bits, and would gain in 16.

Inputs: model (model.onnx), quantized (quantized.onnx), calibration (tar of images) and samples
(tar of other inputs), one of them or both.   Outputs: sensitivity.json.

``sensitivity.json``:

    images            how many images of the calibration set it was measured on
    full, none        the output with all blocks quantized (the model as it is), and with none (what weights lose)
    blocks            one entry for each block, that with most to win first:
        block         its name: a PyTorch module, a module with ``(rest)`` for what lies in it beside its parts, or a
                      single layer
        module        the module that selects its layers in ``quantization.layers``; ``null`` if only names do
        layers        the names of its layers in model.onnx that can be in 16 bit
        share         its multiply-adds, as a share of the model's, 0..1
        alone         the output with this block alone in 8 bit
        without       the output with all but this block in 8 bit

Of an output there are ``noise``, sum((a - b)^2) / sum(a^2) against the float model, ``snr_db`` (``null`` without it),
and ``agreement``, the share of equal ArgMax, 0..1 (``null`` without classes). Blocks are in the order of
``alone.noise``. How it is measured: ``recipebuild/toolkit/analysis/sensitivity.py``.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import StepError
from recipebuild.figures.sensitivity import BlockRow, OutputError, Sensitivity
from recipebuild.figures.values import as_json
from recipebuild.steps.compile_onnxruntime import Smooth
from recipebuild.toolkit.analysis.blocks import NetworkBlock, blocks
from recipebuild.toolkit.analysis.compared import compared
from recipebuild.toolkit.analysis.pair import load_pair
from recipebuild.toolkit.analysis.sensitivity import Effect, Switchboard, sensitivity
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.graph.layers import modules_of
from recipebuild.toolkit.quantize.dataset import CalibrationSet

_RUNS = 2.5
"""For each block, roughly."""


class Params(BaseModel):
    """What is measured, on what.

    Attributes:
        input: What the model expects of an image; ``None`` if it takes none.
        images: How many images of the calibration set to take.
        blocks: How many blocks there may be.
        class_axis: The axis of the classes in the model's output, where it is no ArgMax; ``None`` if it has none.
        smooth_quant: How outliers were moved before the model was quantized; ``None`` if they were not.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec | None
    images: int = Field(default=2, ge=1)
    blocks: int = Field(default=48, ge=2)
    class_axis: int | None = None
    smooth_quant: Smooth | None = None
    device: str = CPU


@on_device
def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Measure all blocks; write what was found, that with most to win first.

    Returns:
        What ``sensitivity.json`` holds.

    Raises:
        StepError: If the models have over 2 GiB together, or ONNX Runtime cannot run them.
    """
    smooth = params.smooth_quant.values if params.smooth_quant else None
    calibration = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    pair = load_pair(inputs["model"], inputs["quantized"], calibration, smooth)
    if pair is None:
        raise StepError("the float and the quantized model have over 2 GiB together: they cannot be run side by side")
    model = pair.model
    output = compared(model, pair.twins, params.class_axis)
    board = Switchboard(model, pair.quantized, pair.twins, output, itertools.islice(calibration, params.images))
    groups = blocks(model, modules_of(model), params.blocks // 3)
    runs = _RUNS * params.blocks
    measured = sensitivity(board, groups, params.blocks, lambda done: progress(min(done / runs, 1.0), f"run {done}"))
    rows = [_row(each.block, each.alone, each.without) for each in measured.blocks]
    metrics = as_json(Sensitivity(params.images, _figures(measured.full), _figures(measured.none), rows))
    (out / "sensitivity.json").write_text(json.dumps(metrics, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return metrics


def _row(block: NetworkBlock, alone: Effect, without: Effect) -> BlockRow:
    return BlockRow(
        block=block.name,
        module=block.module,
        layers=list(block.layers),
        share=round(block.share, 6),
        alone=_figures(alone),
        without=_figures(without),
    )


def _figures(effect: Effect) -> OutputError:
    noise = float(f"{effect.noise:.3g}")
    return OutputError(
        noise=noise,
        snr_db=round(-10 * math.log10(noise), 1) if noise > 0 else None,
        agreement=None if effect.agreement is None else round(effect.agreement, 6),
    )
