"""``quantization``: how ranges become scales, and which layers get more than 8 bits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from recipebuild.recipe.section import Count, Positive, Section, Text, wrong

Fraction = Annotated[float, Field(ge=0, le=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, strict=False)]
Precision = Literal["U8", "S8", "U16", "S16", "FP32"]

SELECTORS = ("name", "op", "module", "between")


class LayerPrecision(Section):
    """The precision of some layers. A name or module wins over an operator, an operator over a part of the graph."""

    name: Text | Texts | None = Field(
        default=None, description="Layers by Pulsar2's names, those in frontend/optimized.onnx"
    )
    op: Text | Texts | None = Field(default=None, description="All layers of these operators: Softmax, [Add, Mul]")
    module: Text | Texts | None = Field(
        default=None,
        description="Layers by origin: patterns of PyTorch module paths or of names in model.onnx, such as "
        "decode_head.*; a pattern without a match is an error",
    )
    between: tuple[Texts, Texts] | None = Field(
        default=None,
        strict=False,
        description="The layers between two sets of tensors: [[first], [last]]; [[DEFAULT], [DEFAULT]] means all "
        "layers",
    )
    dtype: Precision = Field(
        description="U8, S8, U16, S16, or FP32 (documented for LeakyRelu, Sigmoid, Relu, Add, Mul, Div, Sub, Concat, "
        "Softmax); data-movement operators (Reshape, Transpose) take the type of their consumer"
    )
    output_dtype: Precision | None = Field(default=None, description="Type of the output of Conv, if different")
    weight_dtype: Literal["S8", "FP32"] | None = Field(default=None, description="Type of the weights of Conv")

    @model_validator(mode="after")
    def _one_selector(self) -> LayerPrecision:
        selectors = [name for name in SELECTORS if getattr(self, name) is not None]
        if len(selectors) != 1:
            subject = f"{' and '.join(selectors)} are" if selectors else "none is"
            raise wrong(f"layers are chosen by one of {', '.join(SELECTORS)}; here {subject} given", "keep one of them")
        return self

    @field_validator("op")
    @classmethod
    def _known_operators(cls, op: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        from recipebuild.toolkit.pulsar2.operator_names import meant  # only such recipes read the chips' tables

        for name in (op,) if isinstance(op, str) else op or ():
            if operator := meant(name):
                raise wrong(f"there is no operator {name}", f"did you mean {operator}?")
        return op


class SmoothQuant(Section):
    """Moves outliers of activations into weights (https://arxiv.org/abs/2211.10438)."""

    threshold: Fraction = Field(default=0.2, description="0 to 1; larger values include more operators")
    strength: Fraction = Field(default=0.6, description="0 to 1; share of the difficulty that moves to the weights")


class PrecisionAnalysis(Section):
    """The quantized model against the float one, layer by layer, after quantization."""

    method: Literal["PerLayer", "EndToEnd"] = Field(
        default="PerLayer", description="Each layer on float input, or the quantized model from end to end"
    )
    mode: Literal["Reference", "NPUBackend"] = Field(
        default="Reference",
        description="NPUBackend is bit-exact with the board for models that run entirely on the NPU",
    )


class Finetune(Section):
    """Weights are trained a little to quantize better. Needs CUDA."""

    algorithm: Literal["adaround", "lsq", "brecq"] = Field(description="Algorithm: adaround, lsq or brecq")
    epochs: Count = Field(default=500, description="1 or more; recommended: 10 for lsq and brecq, 50 for adaround")
    block_size: Count = Field(default=4, description="Number of layers trained together")
    batch_size: Count = Field(default=1, description="Images per batch")
    learning_rate: Positive = Field(default=1e-3, description="Above 0; 1e-4 is recommended")


class Quantization(Section):
    """How ranges become 8-bit scales; for the embedded toolchain up to ``layer_norm_scale``, and ``strict``."""

    method: Literal["MinMax", "Percentile", "MSE", "KL", "auto"] = Field(
        default="MinMax",
        description="Method that chooses the range of each activation; auto picks for each activation the method "
        "with the least loss in its consumers (embedded toolchain only)",
    )
    layers: Annotated[tuple[LayerPrecision, ...], Field(strict=False)] = Field(
        default=(), description="Layers with another precision than 8 bits"
    )
    smooth_quant: SmoothQuant | None = Field(default=None, description="Move outliers of activations into weights")
    conv_bias: Literal["S32", "FP32"] = Field(default="S32", description="Type of the biases of Conv: S32 or FP32")
    layer_norm_scale: Literal["FP32", "S32", "U32"] = Field(
        default="FP32", description="Type of the scale of LayerNormalization: FP32, S32 or U32"
    )
    transformer_opt_level: Annotated[int, Field(ge=0, le=2)] = Field(
        default=0, description="0 to 2; 1 is recommended for Swin, SwinV2, DeiT and ViT"
    )
    precision_analysis: PrecisionAnalysis | None = Field(
        default=None, description="Compare the quantized model with the float one, layer by layer"
    )
    finetune: Finetune | None = Field(default=None, description="Finetune weights for better quantization")
    device: Annotated[str, Field(pattern=r"^(cpu|cuda:[0-7])$")] = Field(
        default="cpu", description="Device for calibration: cpu, or cuda:0 to cuda:7"
    )
    strict: bool = Field(default=False, description="Fail (exit 5) if a layer does not get the requested precision")

    @model_validator(mode="after")
    def _trains_on_a_gpu(self) -> Quantization:
        if self.finetune and self.device == "cpu":
            raise wrong(f"{self.finetune.algorithm} needs CUDA, and device is cpu", "device: cuda:0")
        return self
