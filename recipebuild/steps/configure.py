"""configure: the recipe's values -> the configuration of ``pulsar2 build``.

Inputs: templates/pulsar2 (folder with config.json.j2), templates_user/* (optional; goes first), model (ONNX; only if
layers are chosen by module).   Outputs: pulsar2.json.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.pulsar2.compose import BuildSettings
from recipebuild.toolkit.pulsar2.render import rendered

if TYPE_CHECKING:
    from recipebuild.engine.progress import Progress

logger = logging.getLogger(__name__)


class Params(BuildSettings):
    """What the configuration says."""


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Resolve layers, render the template, check the result and write it."""
    if "model" in inputs:
        from recipebuild.toolkit.graph.files import load
        from recipebuild.toolkit.graph.layers import resolve

        layers = resolve(params.quant["layer_configs"], load(inputs["model"], weights=False))
        params = params.model_copy(update={"quant": {**params.quant, "layer_configs": layers}})
    result = rendered(params, inputs)
    for warning in result.warnings:
        logger.warning("%s", warning)
    (out / "pulsar2.json").write_text(result.text, encoding="utf-8")
    config = result.config
    return {
        "hardware": config.target_hardware,
        "npu_mode": config.npu_mode,
        "method": config.quant.calibration_method,
        **({"warnings": result.warnings} if result.warnings else {}),
    }
