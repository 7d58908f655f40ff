"""The configuration file of ``pulsar2 build``: the message ``BuildConfig`` of its documentation, field by field.

Source: Pulsar2's documentation, page ``user_guides_config/config``, whose order the fields keep. A field that is not
given is not written either, so that the tool's own default holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

ModelType = Literal["ONNX", "QuantAxModel", "QuantONNX"]
Hardware = Literal["AX650", "AX620E", "AX615", "AX637", "AX8860", "M76H", "M57"]
NpuMode = Literal["NPU1", "NPU2", "NPU3", "NPU4"]
CalibrationMethod = Literal["MinMax", "Percentile", "MSE", "KL"]
DataFormat = Literal["Image", "Numpy", "Binary", "NumpyObject"]
DataType = Literal["U8", "S8", "U16", "S16", "U32", "S32", "FP16", "FP32"]
Layout = Literal["NHWC", "NCHW"]
TensorFormat = Literal["AutoColorSpace", "BGR", "RGB", "GRAY"]
SourceFormat = Literal[
    "AutoColorSpace", "GRAY", "BGR", "RGB", "YUYV422", "UYVY422", "YUV420SP", "YVU420SP", "RAW"
]  # fmt: skip

NPU_MODES: Mapping[Hardware, tuple[NpuMode, ...]] = {
    "AX650": ("NPU1", "NPU2", "NPU3"),
    "M76H": ("NPU1", "NPU2", "NPU3"),
    "AX620E": ("NPU1", "NPU2"),
    "AX615": ("NPU1", "NPU2"),
    "AX8860": ("NPU1", "NPU2", "NPU4"),
}
"""How many cores a model may be compiled for; hardware that is not listed has no documented limit."""


class _Message(BaseModel):
    # Strict: what the tool reads as protobuf must have the right JSON type, a number in quotes is none.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class InputQuantConfig(_Message):
    """How one input is calibrated. Mean and std are in 0..255 units for images, one value per channel of the tensor."""

    tensor_name: str
    calibration_dataset: Annotated[str, Field(pattern=r"\.(tar|tar\.gz|zip)$")]
    calibration_format: DataFormat = "Image"
    calibration_size: Annotated[int, Field(ge=-1)] = 32
    calibration_mean: tuple[FiniteFloat, ...] = ()
    calibration_std: tuple[FiniteFloat, ...] = ()


class QuantConfig(_Message):
    """How the network is quantized."""

    input_configs: tuple[InputQuantConfig, ...] = ()
    calibration_method: CalibrationMethod = "MinMax"
    precision_analysis: bool = False
    precision_analysis_method: Literal["PerLayer", "EndToEnd"] = "PerLayer"
    precision_analysis_mode: Literal["Reference", "NPUBackend"] = "Reference"
    transformer_opt_level: Annotated[int, Field(ge=0, le=2)] = 0


class InputProcessor(_Message):
    """What one input is in the network (``tensor_``) and what the runtime feeds (``src_``).

    Between RGB and BGR nothing is converted: only YUV sources are. Mean and std default to those of calibration.
    """

    tensor_name: str
    tensor_format: TensorFormat = "AutoColorSpace"
    tensor_layout: Layout = "NCHW"
    src_format: SourceFormat = "AutoColorSpace"
    src_layout: Layout = "NCHW"
    src_dtype: DataType = "FP32"
    mean: tuple[FiniteFloat, ...] = ()
    std: tuple[FiniteFloat, ...] = ()


class CompilerConfig(_Message):
    """What the compiler does besides compiling."""

    check: Annotated[int, Field(ge=0, le=3)] = 0
    npu_perf: bool = False


class BuildConfig(_Message):
    """The whole file. Paths are relative to the folder in which ``pulsar2 build`` runs."""

    input: str
    output_dir: str
    output_name: str = "compiled.axmodel"
    work_dir: str = ""
    model_type: ModelType = "ONNX"
    target_hardware: Hardware = "AX650"
    npu_mode: NpuMode = "NPU1"
    quant: QuantConfig = QuantConfig()
    input_processors: tuple[InputProcessor, ...] = ()
    compiler: CompilerConfig = CompilerConfig()

    @model_validator(mode="after")
    def _cores(self) -> Self:
        modes = NPU_MODES.get(self.target_hardware)
        if modes and self.npu_mode not in modes:
            raise ValueError(f"npu_mode {self.npu_mode} does not exist on {self.target_hardware}: {', '.join(modes)}")
        return self


def to_json(config: BuildConfig) -> str:
    """The file's text: plain JSON, keys in the documented order, only what was given, a newline at the end."""
    return json.dumps(config.model_dump(mode="json", exclude_unset=True), indent=2, ensure_ascii=False) + "\n"
