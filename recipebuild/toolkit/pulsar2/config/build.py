"""BuildConfig: the whole file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recipebuild.facts.chips import CHIPS, NpuMode, TargetHardware
from recipebuild.toolkit.pulsar2.config.compiler import CompilerConfig
from recipebuild.toolkit.pulsar2.config.message import DEFAULT, Message, Text
from recipebuild.toolkit.pulsar2.config.processors import ConstProcessor, InputProcessor, OpProcessor, OutputProcessor
from recipebuild.toolkit.pulsar2.config.quant import QuantConfig

ModelType = Literal["ONNX", "QuantAxModel", "QuantONNX", "OptimizedQuantAxModel", "ISP"]
_SIZES = r"[^:;]+:\d+(x\d+)*"


class OnnxOptimizeOption(Message):
    """What is done to the ONNX model before quantization."""

    disable_onnx_optimization: bool = False
    enable_onnxsim: bool = False
    model_check: bool = False
    disable_transformation_check: bool = False
    save_tensors_data: bool = False


class DebugOption(Message):
    """What is written for whoever looks into a build."""

    dump_frontend_graph: bool = False


class BuildConfig(Message):
    """The whole file. Paths are relative to the folder in which ``pulsar2 build`` runs."""

    input: Text
    output_dir: Text
    output_name: str = "compiled.axmodel"
    work_dir: str = ""
    model_type: ModelType = "ONNX"
    target_hardware: TargetHardware = "AX650"
    npu_mode: NpuMode = "NPU1"
    input_shapes: Annotated[str, Field(pattern=rf"^({_SIZES}(;{_SIZES})*)?$")] = ""
    """Other sizes for the model's inputs: ``input1:1x3x224x224;input2:1x1x112x112``."""
    onnx_opt: OnnxOptimizeOption = OnnxOptimizeOption()
    quant: QuantConfig = QuantConfig()
    input_processors: tuple[InputProcessor, ...] = ()
    output_processors: tuple[OutputProcessor, ...] = ()
    const_processors: tuple[ConstProcessor, ...] = ()
    op_processors: tuple[OpProcessor, ...] = ()
    quant_op_processors: tuple[OpProcessor, ...] = ()
    compiler: CompilerConfig = CompilerConfig()
    debug: DebugOption = DebugOption()

    @model_validator(mode="after")
    def _cores(self) -> Self:
        modes = CHIPS[self.target_hardware].npu_modes
        if self.npu_mode not in modes:
            raise ValueError(f"npu_mode {self.npu_mode} does not exist on {self.target_hardware}: {', '.join(modes)}")
        return self

    @model_validator(mode="after")
    def _tensors_for_what_is_quantized(self) -> Self:
        quantized = {each.tensor_name for each in self.input_processors if each.scale}
        for entry in self.quant.input_configs:
            if not quantized & {entry.tensor_name, DEFAULT} and not (quantized and entry.tensor_name == DEFAULT):
                continue
            if entry.calibration_format == "Image" or entry.calibration_mean or entry.calibration_std:
                raise ValueError(
                    f"{entry.tensor_name} has a scale in input_processors, so it is calibrated with Numpy, Binary or "
                    "NumpyObject, without mean and std"
                )
        return self

    @model_validator(mode="after")
    def _as_many_extra_shapes(self) -> Self:
        counts = {len(processor.src_extra_shapes) for processor in self.input_processors}
        if len(counts) > 1:
            raise ValueError("src_extra_shapes must have as many shapes for each input: the same index is one group")
        return self
