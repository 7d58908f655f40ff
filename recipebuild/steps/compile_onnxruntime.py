"""compile: float ONNX -> ONNX with QuantizeLinear and DequantizeLinear, by the embedded host toolchain.

Inputs: model (model.onnx), calibration (tar of images) and samples (tar of other inputs), one of them or both.
Outputs: quantized.onnx, quant.json, precision.json (``got``: how many tensors of each type, ``dropped``: what was asked
for and has no effect).
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.values import as_json
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.graph.cost import multiply_adds_of_nodes
from recipebuild.toolkit.graph.files import check, check_size, load, save, size
from recipebuild.toolkit.graph.layers import resolve
from recipebuild.toolkit.quantize.calibrate import ActivationStatistics, AnyMethod, group_ranges, measure
from recipebuild.toolkit.quantize.choose import chosen
from recipebuild.toolkit.quantize.dataset import CalibrationSet
from recipebuild.toolkit.quantize.parameters import baked, settle
from recipebuild.toolkit.quantize.planner import ConvBias, LayerNormScale, planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.quant_json import quant_json
from recipebuild.toolkit.quantize.smooth import smoothed
from recipebuild.toolkit.quantize.view import view
from recipebuild.toolkit.quantize.write import qdq_counts, written

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.plan import QuantizationPlan

logger = logging.getLogger(__name__)

_CALIBRATION_SHARE = 0.9
"""Of the step's time, roughly."""


class Smooth(BaseModel):
    """How much of it: see ``quantize/smooth.py``.

    Attributes:
        threshold: 0 to 1; the larger, the more LayerNormalizations take part.
        strength: 0 to 1; how much of the difficulty goes to the weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    strength: float

    @property
    def values(self) -> tuple[float, float]:
        """Threshold and strength, as ``smoothed`` takes them."""
        return self.threshold, self.strength


class Params(BaseModel):
    """How to quantize.

    Attributes:
        method: How the activations' ranges follow from the calibration set; ``auto`` chooses for each of them.
        layers: Precisions other than U8, as Pulsar2's ``layer_configs`` have them; or by ``module``.
        smooth_quant: Move outliers of activations into the weights behind them first.
        conv_bias: The type of Conv's biases.
        layer_norm_scale: The type of LayerNormalization's scale.
        input: What the model expects of an image; ``None`` if it takes none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: AnyMethod = "MinMax"
    layers: tuple[dict[str, Any], ...] = ()
    smooth_quant: Smooth | None = None
    conv_bias: ConvBias = "S32"
    layer_norm_scale: LayerNormScale = "FP32"
    input: ImageSpec | None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Calibrate the model, quantize it, write ``quantized.onnx``, ``quant.json`` and ``precision.json``.

    Returns:
        ``images``, ``method``, ``tensors`` (activations calibrated), ``precision`` (how many tensors of each type),
        ``share_16bit`` (of multiply-adds, those of layers that take more than 8 bits), ``quantized_nodes``,
        ``qdq_pairs``, ``float_bytes`` and ``bytes``; with ``auto`` ``methods`` (how many groups have each);
        with smooth quant ``smoothed`` (how many LayerNormalizations were); ``warnings``, if there are any.

    Raises:
        StepError: If the model is over 2 GiB or cannot be quantized, a pattern of layers matches nothing, or the
            calibration set is bad.
    """
    check_size(inputs["model"], "quantization takes models", remedy="use a smaller variant of the model")
    batches = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    model = load(inputs["model"])
    layers = resolve(params.layers, model)
    model = prepare(model, batches.only_image, wide=_is_wide(layers))
    smooth, sites = params.smooth_quant, None
    if smooth is not None:
        progress(0.0, "smooth quant")
        model, sites = smoothed(model, batches, *smooth.values)
    plan = planned(model, layers, conv_bias=params.conv_bias, layer_norm_scale=params.layer_norm_scale)
    dropped = [str(each) for each in plan.dropped]
    progress(0.0, f"calibration, {params.method}")
    weighed = baked(model, plan)
    measured = measure(
        weighed,
        plan,
        batches,
        params.method,
        lambda fraction, text: progress(_CALIBRATION_SHARE * fraction, text),
    )
    warnings = [f"RB312 {each}" for each in dropped] + _constant(measured, view(model).inputs)
    progress(_CALIBRATION_SHARE, "quantizing")
    if params.method == "auto":
        ranges, methods = chosen(weighed, plan, measured, batches)
        chose = dict(sorted(Counter(methods.values()).items()))
    else:
        ranges, chose = group_ranges(plan, measured, params.method), {}
    settled = settle(model, plan, ranges)
    quantized = written(model, plan, settled)
    target = out / "quantized.onnx"
    save(quantized, target)
    check(target)
    (out / "quant.json").write_text(quant_json(model, plan, settled), encoding="utf-8")
    got = dict(sorted(Counter(plan.type_of(tensor.group) for tensor in plan.stored.values()).items()))
    precision = json.dumps({"dropped": dropped, "got": got}, indent=2)
    (out / "precision.json").write_text(f"{precision}\n", encoding="utf-8")
    for warning in warnings:
        logger.warning("%s", warning)
    more = {
        "images": len(batches),
        "tensors": len(plan.measured),
        "precision": got,
        "float_bytes": size(inputs["model"]),
        **({"methods": chose} if chose else {}),
        **({"smoothed": len(sites)} if sites is not None else {}),
        **({"warnings": warnings} if warnings else {}),
    }
    share = round(_wide_share(model, plan), 6)
    counts = qdq_counts(quantized)
    metrics = as_json(
        Compiled(
            bytes=size(target),
            method=params.method,
            share_16bit=share,
            quantized_nodes=counts["quantized_nodes"],
            qdq_pairs=counts["qdq_pairs"],
            more=more,
        )
    )
    logger.info("quantized: %s", metrics)
    return metrics


def _is_wide(layers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any layer is asked to have 16 bits."""
    types = [layer.get(key) for layer in layers for key in ("data_type", "output_data_type")]
    return "U16" in types or "S16" in types


def _wide_share(model: onnx.ModelProto, plan: QuantizationPlan) -> float:
    costs = dict(zip((node.name for node in model.graph.node), multiply_adds_of_nodes(model), strict=True))
    wide = sum(cost for name, cost in costs.items() if cost and plan.bits(name) > 8)
    return float(wide / (sum(costs.values()) or 1))


def _constant(measured: ActivationStatistics, names: Iterable[str]) -> list[str]:
    """A warning for each input that the calibration set has nothing to calibrate with."""
    bounds = {name: measured.ranges[name] for name in names if name in measured.ranges}
    return [
        f"RB213 {name} is {each.low:g} throughout the calibration set: other values will be cut off"
        for name, each in bounds.items()
        if each.low >= each.high
    ]
