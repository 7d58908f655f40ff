"""What is put before inputs and after outputs, and what is patched in the model: the processors."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recipebuild.toolkit.pulsar2.config.message import (
    Count,
    DataType,
    Float32,
    Float64,
    Int32,
    Layout,
    Message,
    Struct,
    Text,
)

TensorFormat = Literal["AutoColorSpace", "BGR", "RGB", "RGBA", "GRAY"]
SourceFormat = Literal[
    "AutoColorSpace", "GRAY", "BGR", "RGB", "RGBA", "YUYV422", "UYVY422", "YUV420SP", "YVU420SP", "RAW"
]  # fmt: skip
CscMode = Literal["NoCSC", "Matrix", "FullRange", "LimitedRange"]
YUV = ("YUYV422", "UYVY422", "YUV420SP", "YVU420SP")

_BIAS = (3, 7, 11)
"""Where ``csc_mat``, a 3x4 matrix row by row, has its last column."""


class Shape(Message):
    """The sizes of a tensor."""

    shape: Annotated[tuple[Count, ...], Field(min_length=1)]


class InputProcessor(Message):
    """What one input is in the network (``tensor_``) and what the runtime feeds (``src_``).

    Between RGB and BGR nothing is converted: only YUV sources are, by ``csc_mode``. Mean and std default to those of
    calibration.
    """

    tensor_name: Text
    tensor_format: TensorFormat = "AutoColorSpace"
    tensor_layout: Layout = "NCHW"
    src_format: SourceFormat = "AutoColorSpace"
    src_layout: Layout = "NCHW"
    src_dtype: DataType = "FP32"
    src_extra_shapes: tuple[Shape, ...] = ()
    """More shapes that the model is compiled for; as many for each input."""
    csc_mode: CscMode = "NoCSC"
    csc_mat: tuple[Float32, ...] = ()
    """12 numbers, a 3x4 matrix: the last column in (-9, 8), the others in (-524289, 524288)."""
    mean: tuple[Float32, ...] = ()
    std: tuple[Float32, ...] = ()
    padding: tuple[Int32, ...] = ()
    padding_mode: Literal["constant"] = "constant"
    padding_constant_value: Int32 = 0
    slicing: tuple[Int32, ...] = ()
    scale: Float32 = 0
    """The model before this one quantized what is fed: value = scale * (code - zeropoint). 0 stands for 1."""
    zeropoint: Int32 = 0

    @model_validator(mode="after")
    def _quantized_already(self) -> Self:
        if self.zeropoint and not self.scale:
            raise ValueError("zeropoint is set only if scale is not 0")
        return self

    @model_validator(mode="after")
    def _converts_yuv(self) -> Self:
        if self.src_format in YUV and self.csc_mode == "NoCSC":
            raise ValueError(f"csc_mode is Matrix, FullRange or LimitedRange for {self.src_format}: "
                             "it cannot remain NoCSC")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _matrix(self) -> Self:
        if self.csc_mode == "Matrix" and len(self.csc_mat) != 12:
            raise ValueError(f"csc_mat has 12 numbers when csc_mode is Matrix, not {len(self.csc_mat)}")
        if self.csc_mat and len(self.csc_mat) != 12:
            raise ValueError(f"csc_mat has 12 numbers, not {len(self.csc_mat)}")
        # With any other mode the tool passes csc_mat over: its documentation has one with larger numbers there.
        for at, value in enumerate(self.csc_mat if self.csc_mode == "Matrix" else ()):
            low, high = (-9, 8) if at in _BIAS else (-524289, 524288)
            if not low < value < high:
                raise ValueError(f"csc_mat[{at}] lies between {low} and {high}, not {value:g}")
        return self


class OutputProcessor(Message):
    """How one output is given."""

    tensor_name: Text
    tensor_layout: Layout | None = None
    """In the proto only; what it does is not said."""
    dst_perm: tuple[Int32, ...] = ()
    output_dtype: Literal["FP32", "U8"] = "FP32"


class ConstProcessor(Message):
    """New values for a constant of the model: ``data``, or a file (.bin, .npy, .txt)."""

    name: Text
    data: tuple[Float64, ...] = ()
    data_path: str = ""


class OpProcessor(Message):
    """New values for attributes of one operator."""

    op_name: Text
    attrs: Struct
