"""equalize: ONNX -> ONNX of the same function whose channels fit 8 bits better.

Inputs: model (float ONNX, static shapes), calibration (tar of images) and samples (tar of other inputs), one of them or
both.
Outputs: equalized.onnx, equalize.json (each site, and what it wins).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.figures.equalized import Equalized, EqualizedSite
from recipebuild.figures.rewritten import Refusal
from recipebuild.figures.values import as_json
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.equalize.attention import Quotient
from recipebuild.toolkit.equalize.equalize import equalize
from recipebuild.toolkit.graph.files import check, check_size, load, save, size
from recipebuild.toolkit.quantize.dataset import CalibrationSet

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """What to do.

    Attributes:
        techniques: Names out of ``toolkit/equalize/equalize.py``.
        attention: Defer the division of attention over long rows, with what it takes in this type.
        tokens: Keep class token, registers and patches apart where their ranges differ.
        input: What the model expects of an image; ``None`` if it takes none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    techniques: tuple[str, ...]
    attention: Quotient | None = None
    tokens: bool = False
    input: ImageSpec | None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Equalize the model and find that it still gives the same.

    Returns:
        The figures that ``recipebuild/figures/equalized.py`` names.

    Raises:
        StepError: If the model is over 2 GiB, or ONNX Runtime cannot run it.
    """
    check_size(inputs["model"], "equalize takes models", field="equalize", remedy="leave the section out")
    batches = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    model = load(inputs["model"])
    result = equalize(model, params.techniques, batches, progress, params.attention, tokens=params.tokens)
    target = out / "equalized.onnx"
    save(result.model, target)
    check(target)
    for tensor in result.rolled_back:
        logger.warning("RB604 %s was taken back: it changed the output of the model", tensor)
    figures = as_json(
        Equalized(
            sites=[
                EqualizedSite(
                    technique=site.technique,
                    tensor=site.tensor,
                    channels=site.channels,
                    predicted_db=site.predicted,
                    measured_db=site.measured,
                )
                for site in result.sites
            ],
            refused=[
                Refusal(name=name, reason=reason, times=times) for (name, reason), times in result.refused.items()
            ],
            rolled_back=list(result.rolled_back),
            relative=result.relative,
            bytes=size(target),
        )
    )
    (out / "equalize.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures
