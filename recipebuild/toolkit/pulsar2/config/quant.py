"""How the network is quantized: InputQuantConfig, LayerConfig, QuantConfig."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recipebuild.toolkit.pulsar2.config.message import Count, Float32, Int32, Message, Names, Text

CalibrationMethod = Literal["MinMax", "Percentile", "MSE", "KL"]
DataFormat = Literal["Image", "Numpy", "Binary", "NumpyObject"]
QuantType = Literal["U8", "S8", "U16", "S16", "FP32"]
Fraction = Annotated[Float32, Field(ge=0, le=1)]

FP32_OPERATORS = ("LeakyRelu", "Sigmoid", "Relu", "Add", "Mul", "Div", "Sub", "Concat", "Softmax")
"""Operators that are documented to take ``data_type: FP32``; elsewhere the tool ignores it without a word."""


class InputQuantConfig(Message):
    """How one input is calibrated.

    With the format Image, mean and std are in 0..255 units, one value per channel of the tensor. Numpy, Binary and
    NumpyObject files are taken as they are: preprocessed, of the input's exact shape and dtype.
    """

    tensor_name: Text
    calibration_dataset: Annotated[str, Field(pattern=r"\.(tar|tar\.gz|zip)$")]
    calibration_format: DataFormat = "Image"
    calibration_size: Annotated[Int32, Field(ge=-1)] = 32
    calibration_mean: tuple[Float32, ...] = ()
    calibration_std: tuple[Float32, ...] = ()


class LayerConfig(Message):
    """The precision of the layers that its one selector names: by name, by operator, or between two sets of tensors.

    A name wins over an operator, an operator over a subgraph. ``DEFAULT`` for both sets of tensors is the whole model.
    """

    layer_name: str = ""
    op_type: str = ""
    layer_names: Names = ()
    op_types: Names = ()
    start_tensor_names: Names = ()
    end_tensor_names: Names = ()
    data_type: QuantType | None = None
    """U8 if left out. It is written even if it is U8, since an entry may set a layer back to it."""
    output_data_type: QuantType | None = None
    """Of Conv only."""
    weight_data_type: Literal["S8", "FP32"] | None = None
    """Of Conv only."""

    @model_validator(mode="after")
    def _one_selector(self) -> Self:
        if bool(self.start_tensor_names) != bool(self.end_tensor_names):
            raise ValueError("start_tensor_names and end_tensor_names need each other")
        names = ("layer_name", "op_type", "layer_names", "op_types", "start_tensor_names")
        chosen = [name for name in names if getattr(self, name)]
        if len(chosen) != 1:
            listed = " and ".join(chosen) if chosen else "none"
            raise ValueError(
                "a layer config has exactly one of layer_name, layer_names, op_type, op_types, or start_tensor_names "
                f"with end_tensor_names, not {listed}"
            )
        return self


class QuantConfig(Message):
    """How the network is quantized."""

    input_configs: tuple[InputQuantConfig, ...] = ()
    layer_configs: tuple[LayerConfig, ...] = ()
    calibration_method: CalibrationMethod = "MinMax"
    precision_analysis: bool = False
    precision_analysis_method: Literal["PerLayer", "EndToEnd"] = "PerLayer"
    precision_analysis_mode: Literal["Reference", "NPUBackend"] = "Reference"
    input_sample_dir: str = ""
    highest_mix_precision: bool = False
    conv_bias_data_type: Literal["S32", "FP32"] = "S32"
    ln_scale_data_type: Literal["FP32", "S32", "U32"] = "FP32"
    refine_weight_threshold: Float32 = 1e-6
    """0 up to 1e-4 (the documentation says less than that, published configurations say 1e-4); -1 switches it off."""
    enable_smooth_quant: bool = False
    smooth_quant_threshold: Fraction = 0.2
    """The larger, the more operators take part."""
    smooth_quant_strength: Fraction = 0.6
    transformer_opt_level: Annotated[Int32, Field(ge=0, le=2)] = 0
    check: Annotated[Int32, Field(ge=0, le=1)] = 0
    """1: check the nodes' data types."""
    disable_auto_refine_scale: bool = False
    enable_easy_quant: bool = False
    disable_quant_optimization: bool = False
    enable_brecq: bool = False
    enable_lsq: bool = False
    enable_adaround: bool = False
    finetune_epochs: Count = 500
    finetune_block_size: Count = 4
    finetune_batch_size: Count = 1
    finetune_lr: Annotated[Float32, Field(gt=0)] = 1e-3
    device: Annotated[str, Field(pattern=r"^(cpu|cuda:[0-7])$")] = "cpu"

    @model_validator(mode="after")
    def _limits(self) -> Self:
        threshold = self.refine_weight_threshold
        if threshold != -1 and not 0 <= threshold <= 1e-4:
            raise ValueError(f"refine_weight_threshold is between 0 and 0.0001, or -1 for off, not {threshold:g}")
        return self
