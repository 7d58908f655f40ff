"""The values that the template of the configuration is rendered with: a recipe's, in the words of the documentation.

Use: ``compose(BuildSettings(...))`` -> ``{"model": {...}, "calibration": {...}, "quant": {...}, ...}``.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.toolkit.calibration.spec import YUV, ImageSpec, Runtime
from recipebuild.toolkit.pulsar2.config import NpuMode, TargetHardware

IMAGES, TENSORS = "calibration.tar", "calibration-tensors.tar"
"""The archive of images, and that of tensors made of them."""

DataFormat = Literal["Image", "Numpy", "Binary", "NumpyObject"]


class BuildSettings(BaseModel):
    """What one build needs to know.

    Attributes:
        hardware: The chip, as Pulsar2 calls it.
        npu_mode: How many cores.
        version: The version of Pulsar2 that the recipe insists on.
        model_type: What the model is.
        model: The file that is compiled.
        input: The image of the model that is compiled, after a channel swap; ``None`` if it takes none.
        runtime: What the program on the board feeds.
        outputs: The ``OutputProcessor``s: how it is given outputs.
        format: What the calibration archive holds.
        count: How many files it holds.
        calibrated: Whether there is one; a model that is quantized already does without.
        quant: Fields of ``QuantConfig``, other than ``input_configs``, that differ from the defaults. A layer config
            with ``module`` is resolved when the model is known.
        compiler: Fields of ``CompilerConfig`` that differ from the defaults.
        overrides: Merged into the configuration last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: TargetHardware
    npu_mode: NpuMode
    version: str | None = None
    model_type: Literal["ONNX", "QuantAxModel", "QuantONNX"] = "ONNX"
    model: str = "model.onnx"
    input: ImageSpec | None
    runtime: Runtime = Runtime()
    outputs: list[dict[str, Any]] = []
    format: DataFormat = "Image"
    count: int = Field(ge=1)
    calibrated: bool = True
    quant: dict[str, Any] = {}
    compiler: dict[str, Any] = {}
    overrides: dict[str, Any] = {}


def compose(build: BuildSettings) -> dict[str, Any]:
    """The template's values: each a mapping of documented fields."""
    return {
        "hardware": build.hardware,
        "npu_mode": build.npu_mode,
        "model_type": build.model_type,
        "model": build.model,
        "input": build.input.model_dump(mode="json") if build.input else None,
        "calibration": _calibration(build) if build.calibrated else {},
        "quant": build.quant,
        "processor": _processor(build.input, build.runtime) if build.input else {},
        "outputs": build.outputs,
        "compiler": build.compiler,
    }


def _calibration(build: BuildSettings) -> dict[str, Any]:
    """The ``InputQuantConfig``. Tensors are taken by the tool as they are, so mean and std are for images only."""
    images = build.format == "Image"
    spec = build.input
    norm = {"calibration_mean": list(spec.mean), "calibration_std": list(spec.std)} if images and spec else {}
    return {
        "tensor_name": spec.name if spec and build.format != "NumpyObject" else "DEFAULT",
        "calibration_dataset": IMAGES if images else TENSORS,
        "calibration_format": build.format,
        "calibration_size": build.count,
        **norm,
    }


def _processor(spec: ImageSpec, runtime: Runtime) -> dict[str, Any]:
    """The ``InputProcessor``. Between RGB and BGR nothing is converted: the board is fed what the model takes."""
    csc = runtime.csc
    converts = {
        "csc_mode": csc.mode if csc else "FullRange",
        **({"csc_mat": list(csc.matrix)} if csc and csc.matrix else {}),
    }
    return {
        "tensor_name": spec.name,
        "tensor_format": spec.color,
        "tensor_layout": "NCHW",
        "src_format": runtime.format if runtime.format in YUV else spec.color,
        "src_layout": runtime.layout,
        "src_dtype": runtime.dtype,
        "src_extra_shapes": [{"shape": list(each)} for each in runtime.extra_shapes],
        **(converts if runtime.format in YUV else {}),
        # Left out, they would be those of calibration, and the model would normalize what is normalized already.
        "mean": [0.0, 0.0, 0.0] if runtime.normalized else list(spec.mean),
        "std": [1.0, 1.0, 1.0] if runtime.normalized else list(spec.std),
    }
