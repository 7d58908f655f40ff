"""correct-bias: the final float model -> the one to compile, whose biases take back what rounding the weights adds.

Inputs: model (model.onnx), calibration (tar of images) and samples (tar of other inputs), one of them or both.
Outputs: corrected.onnx, corrected.json (each bias, and what it wins).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.figures.corrected import CorrectedBiases, CorrectedSite
from recipebuild.figures.rewritten import Refusal
from recipebuild.figures.values import as_json
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.equalize.bias import corrected
from recipebuild.toolkit.graph.files import check, check_size, load, save, size
from recipebuild.toolkit.graph.layers import resolve
from recipebuild.toolkit.quantize.dataset import CalibrationSet
from recipebuild.toolkit.quantize.prepare import prepare


class Params(BaseModel):
    """How the model will be quantized.

    Attributes:
        layers: Precisions other than U8, as Pulsar2's ``layer_configs`` have them; or by ``module``.
        input: What the model expects of an image; ``None`` if it takes none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[dict[str, Any], ...] = ()
    input: ImageSpec | None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Correct the biases, write ``corrected.onnx`` and ``corrected.json``.

    Returns:
        The figures that ``recipebuild/figures/corrected.py`` names.

    Raises:
        StepError: If the model is over 2 GiB, or ONNX Runtime cannot run it.
    """
    check_size(
        inputs["model"],
        "biases are corrected in models",
        field="equalize.bias_correction",
        remedy="leave bias_correction out",
    )
    batches = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    model = load(inputs["model"])
    prepared = prepare(model, batches.only_image)
    count = len(batches)
    result = corrected(
        model, prepared, resolve(params.layers, model), batches,
        lambda done: progress(done / count, f"rounding errors, sample {done} of {count}"),
    )  # fmt: skip
    target = out / "corrected.onnx"
    save(result.model, target)
    check(target)
    figures = as_json(
        CorrectedBiases(
            sites=[
                CorrectedSite(tensor=bias.tensor, channels=bias.channels, gain_db=bias.gain) for bias in result.biases
            ],
            refused=[Refusal(name="bias", reason=reason, times=times) for reason, times in result.refused.items()],
            bytes=size(target),
        )
    )
    (out / "corrected.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures
