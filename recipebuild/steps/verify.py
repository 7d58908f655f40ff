"""verify: the models after export, simplify, rewrite, channels and head, each compared with its original on samples.

Inputs: model (folder in HF layout) and export, or reference (the ONNX file that the recipe starts from); simplified,
rewritten, channels (optional), head, calibration (tar of images) and samples (tar of other inputs), one of them or
both.
Outputs: verify.json.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import CheckError, StepError
from recipebuild.facts.tasks import DETECTION
from recipebuild.figures.values import as_json
from recipebuild.figures.verification import Stage, Verification
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.ladder import RUNGS
from recipebuild.toolkit.evaluate.resize import enlarge, inside
from recipebuild.toolkit.graph.compare import (
    OutputDifference,
    check_finite,
    difference,
    in_order_of,
    run_model,
    with_classes,
)
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.head import Head
from recipebuild.toolkit.graph.image_layout import fed_as_taken
from recipebuild.toolkit.graph.joins import unlike
from recipebuild.toolkit.graph.logit import logit
from recipebuild.toolkit.graph.statistics import inputs as model_inputs
from recipebuild.toolkit.models.processor import disagreements, normalization, own_processor
from recipebuild.toolkit.models.run import Weights, torch_runner
from recipebuild.toolkit.quantize.dataset import CalibrationSet

if TYPE_CHECKING:
    from recipebuild.toolkit.graph.compare import Array, Outputs

logger = logging.getLogger(__name__)

_SAMPLES = 2


class Params(Weights):
    """Which PyTorch model the others were made from, and how far they may be apart.

    Attributes:
        head: The recipe's head.
        input: The recipe's image; ``None`` if the model takes none.
        compiled: Of the model that is compiled, where its channels are in another order.
        relative: Largest allowed max|a - b| / max|b| of a tensor.
        agreement: Smallest allowed fraction of pixels (0..1) of the same class.
    """

    head: Head = Head()
    input: ImageSpec | None
    compiled: ImageSpec | None = None
    relative: float = Field(default=1e-3, gt=0)
    agreement: float = Field(default=0.999, ge=0, le=1)


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Compare each stage with the reference on images of the calibration set; write what was measured.

    Raises:
        CheckError: If a stage is too far from the reference, or if a model gives NaN or infinite values.
    """
    import numpy as np

    calibration = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    compiled = replace(calibration, spec=params.compiled) if params.compiled else calibration
    samples = dict(itertools.islice(calibration.named(), _SAMPLES))
    feeds = list(samples.values())
    fed = [feed for _, feed in itertools.islice(compiled.named(), _SAMPLES)] if params.compiled else feeds
    reference = "PyTorch" if "model" in inputs else "ONNX"
    progress(0.0, f"{reference} on {len(feeds)} samples")
    expected = _reference(inputs, params, feeds)
    warnings = _preprocessing(inputs["model"], params.input) if "model" in inputs and params.input else []
    warnings += _joined(inputs["head"], compiled)
    axis = _class_axis(params.head, expected[0])
    verified = Verification(
        images=list(samples),
        reference=reference,
        warnings=warnings,
        relative=None,
        agreement=None,
        stages=[],
        classes_seen=None if axis is None else _classes_seen(expected, axis),
    )

    stages = {name: inputs[rung.input] for name, rung in RUNGS.items() if rung.checked and rung.input in inputs}
    differences: dict[str, OutputDifference] = {}
    for stage, path in stages.items():
        progress((1 + len(differences)) / (1 + len(stages)), stage)
        has_head = stage == "head" and params.head.kind != "none"
        got = run_model(path, fed if RUNGS[stage].fed else feeds)
        if params.task == DETECTION and reference == "PyTorch":
            got = [in_order_of(*both) for both in zip(expected, got, strict=True)]
        new_axis = params.head.add_axis if stage == "head" else None
        if not has_head and new_axis is None:
            got = [with_classes(outputs, axis) for outputs in got]
        right = [_right(outputs, axis, params.head if has_head else None) for outputs in expected]
        if new_axis is not None:
            right = [[np.expand_dims(outputs[0], new_axis), *outputs[1:]] for outputs in expected]
        try:
            if has_head and params.head.before_resize:
                right, got, same = _where_classes_do_not_meet(right, got)
                verified = replace(verified, before_resize=same)
            differences[stage] = difference(right, got)
        except CheckError as error:
            so_far = as_json(_with_stages(verified, differences))
            raise CheckError(f"after {stage}: {error.message}", remedy=RUNGS[stage].remedy, metrics=so_far) from error
    metrics = as_json(_with_stages(verified, differences))
    for stage, measured in differences.items():
        if measured.beyond(relative=params.relative, agreement=params.agreement):
            raise CheckError(
                f"after {stage} the model is not the {reference} one any more: {measured} "
                f"(allowed: relative error {params.relative:g}, agreement {100 * params.agreement:g} %)",
                remedy=RUNGS[stage].remedy,
                metrics=metrics,
            )
    (out / "verify.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return metrics


def _joined(model: Path, calibration: CalibrationSet) -> list[str]:
    """Outputs that join tensors of unlike range, measured on the whole calibration set."""
    warnings = [f"RB311 {text}" for text in unlike(model, (feed for _, feed in calibration.named()))]
    for warning in warnings:
        logger.warning("%s", warning)
    return warnings


def _preprocessing(folder: Path, spec: ImageSpec) -> list[str]:
    """In what the recipe's preprocessing is not the one that the model came with."""
    try:
        own = own_processor(folder)
    except StepError as error:
        return [f"RB116 {error.message}"]
    declared = normalization(own) if own else None
    warnings = [f"RB114 {text}" for text in disagreements(declared, spec)] if declared else []
    for warning in warnings:
        logger.warning("%s", warning)
    return warnings


def _reference(inputs: Mapping[str, Path], params: Params, feeds: Sequence[Mapping[str, Array]]) -> list[Outputs]:
    """What the model gives that the recipe starts from: a PyTorch model's one output, or all those of an ONNX file."""
    if "model" in inputs:
        outputs = _run_pytorch(inputs["model"], params, feeds)
    else:
        outputs = run_model(inputs["reference"], [_as_taken(inputs["reference"], params.input, feed) for feed in feeds])
    for tensors in outputs:
        try:
            check_finite(tensors)
        except CheckError as error:
            raise CheckError(
                f"in the model itself, before export: {error.message}",
                remedy="check its weights, and input.mean and input.std, or the tensors that it is fed",
            ) from error
    return outputs


def _as_taken(model: Path, spec: ImageSpec | None, feed: Mapping[str, Array]) -> Mapping[str, Array]:
    """A feed as the model takes it that the recipe starts from: its image may be of bytes, or have channels last."""
    return fed_as_taken(feed, spec.name if spec else None, model_inputs(load(model, weights=False)))


def _run_pytorch(folder: Path, params: Params, feeds: Sequence[Mapping[str, Array]]) -> list[Outputs]:
    forward = torch_runner(folder, Weights(**params.model_dump(include=set(Weights.model_fields))))
    return [forward(feed) for feed in feeds]


def _class_axis(head: Head, outputs: Outputs) -> int | None:
    """The axis of the classes: the head's, or else the second of N, C, H, W."""
    if head.kind == "argmax":
        return head.axis
    return 1 if outputs[0].ndim == 4 else None


def _classes_seen(expected: Sequence[Outputs], axis: int) -> int:
    """How many classes occur: if it is one, agreement says little."""
    import numpy as np

    return len(np.unique([outputs[0].argmax(axis) for outputs in expected]))


def _right(expected: Outputs, axis: int | None, head: Head | None) -> Outputs:
    """What a stage should give: the reference's outputs and their classes, or what ``head`` makes of them."""
    if head is None:
        return with_classes(expected, axis)
    if head.kind == "threshold":
        import numpy as np

        return [(expected[0] > np.float32(logit(head.threshold))).astype(np.int32)]
    outputs = with_classes(expected, axis, keepdims=head.keepdims)
    return outputs if head.keep_logits else outputs[-1:]


def _where_classes_do_not_meet(
    expected: Sequence[Outputs], got: Sequence[Outputs]
) -> tuple[list[Outputs], list[Outputs], float]:
    """Class ids of a network that enlarges its logits, and of one without that, where both must be the same.

    Returns:
        The two, and the fraction of all pixels (0..1) that have the same class once the smaller ids are enlarged.
    """
    import numpy as np

    right: list[Outputs] = []
    kept: list[Outputs] = []
    same: list[float] = []
    for whole, small in zip(expected, got, strict=True):
        check_finite(small)
        height, width = whole[-1].shape[-2:]
        ids = small[-1].reshape(-1, *small[-1].shape[-2:])
        large = np.stack([enlarge(each, height, width) for each in ids]).reshape(whole[-1].shape)
        sure = np.stack([enlarge(inside(each), height, width) for each in ids]).reshape(whole[-1].shape) > 0
        right.append([whole[-1][sure]])
        kept.append([large[sure]])
        same.append(float((large == whole[-1]).mean()))
    return right, kept, round(float(np.mean(same)), 6)


def _with_stages(verified: Verification, differences: Mapping[str, OutputDifference]) -> Verification:
    """The figures with those of each stage so far, and the worst of them."""
    stages = [_stage(name, measured) for name, measured in differences.items()]
    relative = [row["relative"] for row in stages if row["relative"] is not None]
    agreement = [row["agreement"] for row in stages if row["agreement"] is not None]
    return replace(
        verified, relative=max(relative, default=None), agreement=min(agreement, default=None), stages=stages
    )


def _stage(stage: str, measured: OutputDifference) -> Stage:
    """Rounded figures of a stage."""
    return Stage(
        stage=stage,
        absolute=_rounded(measured.absolute),
        relative=_rounded(measured.relative),
        agreement=measured.agreement if measured.agreement is None else round(measured.agreement, 6),
    )


def _rounded(error: float | None) -> float | None:
    return error if error is None else float(f"{error:.3g}")
