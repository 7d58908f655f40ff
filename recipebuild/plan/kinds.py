"""The steps that a plan is made of, one line each: the module, and the distributions that the result depends on.

Adding a step is adding its file under ``steps/``, a line here, and its place in ``plan.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

_TORCH = ("torch", "transformers", "safetensors")
_ONNX = ("onnx", "numpy")
_IMAGES = ("pillow", "numpy")


@dataclass(frozen=True)
class Kind:
    """What all steps of one name have in common.

    Attributes:
        module: The file that does it.
        tools: Python distributions whose versions are part of the key.
        resources: Scarce things that it holds while it runs.
    """

    module: str
    tools: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


KINDS = {
    "fetch": Kind("recipebuild.steps.fetch"),
    "export": Kind("recipebuild.steps.export", (*_TORCH, *_ONNX, "onnxscript", "onnx-ir")),
    "simplify": Kind("recipebuild.steps.simplify", (*_ONNX, "onnxsim", "onnxruntime")),
    "channels": Kind("recipebuild.steps.channels", _ONNX),
    "head": Kind("recipebuild.steps.head", (*_ONNX, "onnx-graphsurgeon")),
    "lint": Kind("recipebuild.steps.lint", _ONNX),
    "calibrate": Kind("recipebuild.steps.calibrate", _IMAGES),
    "tensors": Kind("recipebuild.steps.tensors", _IMAGES),
    "configure": Kind("recipebuild.steps.configure", ("jinja2", "pydantic", "onnx")),
    "verify": Kind("recipebuild.steps.verify", (*_TORCH, *_ONNX, *_IMAGES, "onnxruntime")),
    "compile/onnxruntime": Kind("recipebuild.steps.compile_onnxruntime", (*_ONNX, *_IMAGES, "onnxruntime")),
    "compile/pulsar2": Kind("recipebuild.steps.compile_pulsar2", ("onnx",), resources=("pulsar2",)),
    "simulate": Kind("recipebuild.steps.simulate", (*_ONNX, *_IMAGES), resources=("pulsar2",)),
    "evaluate": Kind("recipebuild.steps.evaluate", (*_ONNX, *_IMAGES, "onnxruntime")),
    "preview": Kind("recipebuild.steps.preview", (*_ONNX, *_IMAGES, "onnxruntime")),
}
