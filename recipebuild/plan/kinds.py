"""The steps that a plan is made of, one line each: the module, and the distributions that the result depends on.

Adding a step is adding its file under ``steps/``, a line here, and its place in ``plan.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_HOUR = 3600.0

_TORCH = ("torch", "transformers", "safetensors")
_ONNX = ("onnx", "numpy")
_IMAGES = ("pillow", "numpy")
_EXPORT = (*_TORCH, *_ONNX, "onnxscript", "onnx-ir")
_RUN = (*_ONNX, *_IMAGES, "onnxruntime")
_SCORE = (*_TORCH, *_RUN, "torchmetrics")


@dataclass(frozen=True)
class Kind:
    """What all steps of one name have in common.

    Attributes:
        module: The file that does it.
        tools: Python distributions whose versions are part of the key.
        resources: Scarce things that it holds while it runs.
        timeout: Seconds after which something must be wrong with it.
        retries: How often it is tried again when something outside does not answer.
        families: Whether it uses what other packages add to our families of models.
        device: Whether its ONNX models may run on a GPU: it has the parameter ``device``.
        goes_on: In what an earlier record may differ that spares it work (see ``Step``).
    """

    module: str
    tools: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    timeout: float = 2 * _HOUR
    retries: int = 0
    families: bool = False
    device: bool = False
    goes_on: tuple[str, ...] = ()


_SIMULATE = Kind(
    "recipebuild.steps.simulate",
    (*_ONNX, *_IMAGES),
    resources=("pulsar2",),
    timeout=12 * _HOUR,
)

_ANSWERS = Kind(
    "recipebuild.steps.answers",
    (*_TORCH, *_RUN),
    families=True,
    goes_on=("inputs.dataset", "params.dataset", "params.count", "params.seed", "params.part", "params.share"),
)

_JOIN = Kind("recipebuild.steps.join_answers", _IMAGES)

_STATES = Kind("recipebuild.steps.states", _RUN)

_TOKENS = Kind("recipebuild.steps.tokens", ("numpy", "transformers", "tokenizers"))

KINDS = {
    "fetch": Kind(
        "recipebuild.steps.fetch", ("safetensors", "torch", "transformers"), timeout=6 * _HOUR, retries=2, families=True
    ),
    "export": Kind("recipebuild.steps.export", _EXPORT, families=True),
    "simplify": Kind("recipebuild.steps.simplify", (*_ONNX, "onnxsim", "onnxruntime")),
    "rewrite": Kind("recipebuild.steps.rewrite", (*_ONNX, "onnx-ir", "onnxscript", "onnxruntime")),
    "equalize": Kind("recipebuild.steps.equalize", _RUN),
    "channels": Kind("recipebuild.steps.channels", _ONNX),
    "head": Kind("recipebuild.steps.head", (*_ONNX, "onnx-graphsurgeon")),
    "correct-bias": Kind("recipebuild.steps.correct_bias", _RUN),
    "lint": Kind("recipebuild.steps.lint", _ONNX),
    "calibrate": Kind("recipebuild.steps.calibrate", _IMAGES),
    "samples": Kind("recipebuild.steps.samples", ("numpy",)),
    "tokens": _TOKENS,
    "tokens-dataset": _TOKENS,
    "states": _STATES,
    "states-dataset": _STATES,
    "tensors": Kind("recipebuild.steps.tensors", _IMAGES),
    "configure": Kind(
        "recipebuild.steps.configure",
        ("jinja2", "pydantic", "onnx"),
    ),
    "config-check": Kind("recipebuild.steps.config_check", timeout=_HOUR / 4),
    "verify": Kind("recipebuild.steps.verify", (*_TORCH, *_RUN), families=True),
    "compile/onnxruntime": Kind("recipebuild.steps.compile_onnxruntime", _RUN),
    "compile/pulsar2": Kind(
        "recipebuild.steps.compile_pulsar2",
        ("onnx",),
        resources=("pulsar2",),
        timeout=12 * _HOUR,
        goes_on=("code", "tools"),
    ),
    "simulate": _SIMULATE,
    "simulate-reference": _SIMULATE,
    "simulate-npu": _SIMULATE,
    "dataset": Kind("recipebuild.steps.dataset", ("datasets", *_IMAGES), timeout=6 * _HOUR, retries=2),
    "answers-float": replace(_ANSWERS, device=True),
    "answers-quantized": replace(_ANSWERS, device=True),
    "answers-pytorch": _ANSWERS,
    "join-float": _JOIN,
    "join-quantized": _JOIN,
    "join-pytorch": _JOIN,
    "evaluate": Kind("recipebuild.steps.evaluate", (*_RUN, "torch", "torchmetrics")),
    "rungs": Kind("recipebuild.steps.rungs", _SCORE, families=True, device=True),
    "ladder": Kind("recipebuild.steps.ladder", _SCORE),
    "layers": Kind("recipebuild.steps.layers", _RUN, device=True),
    "sensitivity": Kind("recipebuild.steps.sensitivity", _RUN, device=True),
    "preview": Kind("recipebuild.steps.preview", _RUN, device=True),
    "preview/boxes": Kind("recipebuild.steps.preview_boxes", _RUN, device=True),
    "preview/images": Kind("recipebuild.steps.preview_images", _RUN, device=True),
    "judge": Kind("recipebuild.steps.judge"),
    "bundle": Kind("recipebuild.steps.bundle", (*_ONNX, "jinja2", "pydantic")),
    "deploy": Kind("recipebuild.steps.deploy", (*_RUN, "torch", "torchmetrics"), resources=("board",)),
    "judge-board": Kind("recipebuild.steps.judge"),
}
