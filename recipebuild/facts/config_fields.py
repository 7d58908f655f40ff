"""Which field of the recipe a value of Pulsar2's configuration comes from: ``plan/pulsar2.py`` read backwards. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FIELDS = {
    "npu_mode": "target.npu_mode",
    "target_hardware": "target.hardware",
    "model_type": "pulsar2.model_type",
    "quant.input_configs.tensor_name": "input.name",
    "quant.input_configs.calibration_dataset": "calibration.source",
    "quant.input_configs.calibration_format": "calibration.format",
    "quant.input_configs.calibration_size": "calibration.count",
    "quant.input_configs.calibration_mean": "input.mean",
    "quant.input_configs.calibration_std": "input.std",
    "quant.calibration_method": "quantization.method",
    "quant.layer_configs": "quantization.layers",
    "quant.precision_analysis": "quantization.precision_analysis",
    "quant.precision_analysis_method": "quantization.precision_analysis.method",
    "quant.precision_analysis_mode": "quantization.precision_analysis.mode",
    "quant.enable_smooth_quant": "quantization.smooth_quant",
    "quant.smooth_quant_threshold": "quantization.smooth_quant.threshold",
    "quant.smooth_quant_strength": "quantization.smooth_quant.strength",
    "quant.transformer_opt_level": "quantization.transformer_opt_level",
    "quant.enable_adaround": "quantization.finetune.algorithm",
    "quant.enable_brecq": "quantization.finetune.algorithm",
    "quant.enable_lsq": "quantization.finetune.algorithm",
    "quant.finetune_epochs": "quantization.finetune.epochs",
    "quant.finetune_block_size": "quantization.finetune.block_size",
    "quant.finetune_batch_size": "quantization.finetune.batch_size",
    "quant.finetune_lr": "quantization.finetune.learning_rate",
    "quant.device": "quantization.device",
    "input_processors.tensor_name": "input.name",
    "input_processors.tensor_format": "input.color",
    "input_processors.src_format": "target.runtime_input.format",
    "input_processors.src_layout": "target.runtime_input.layout",
    "input_processors.src_dtype": "target.runtime_input.dtype",
    "input_processors.src_extra_shapes": "target.runtime_input.extra_shapes",
    "input_processors.csc_mode": "target.runtime_input.csc.mode",
    "input_processors.csc_mat": "target.runtime_input.csc.matrix",
    "input_processors.mean": "input.mean",
    "input_processors.std": "input.std",
}


def config_field(path: str, overrides: Mapping[str, Any]) -> str | None:
    """The recipe's field that decides a value of the configuration; ``None`` if none does: the build itself.

    Args:
        path: Where the value stands, as ``config_leaves`` writes it.
        overrides: The recipe's ``pulsar2.overrides``, which win.
    """
    if _overridden(path, overrides):
        return "pulsar2.overrides"
    name = re.sub(r"\[\d+\]", "", path)
    if name.startswith("compiler."):
        return name
    while name and name not in _FIELDS:
        name = name.rpartition(".")[0]
    return _FIELDS.get(name)


def config_leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a configuration with its place: ``quant.input_configs[0].calibration_mean``.

    Lists of plain values are one value.
    """
    if isinstance(value, dict):
        for name, below in value.items():
            yield from config_leaves(below, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for index, below in enumerate(value):
            yield from config_leaves(below, f"{path}[{index}]")
    else:
        yield path, value


def _overridden(path: str, overrides: Mapping[str, Any]) -> bool:
    below: Any = overrides
    for name in re.findall(r"[^.\[\]]+", path):
        if isinstance(below, Mapping) and name in below:
            below = below[name]
        elif isinstance(below, list) and name.isdigit() and int(name) < len(below):
            below = below[int(name)]
        else:
            return not isinstance(below, Mapping | list)
    return True
