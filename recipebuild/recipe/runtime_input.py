"""``target.runtime_input``: what the program on the board feeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from recipebuild.recipe.section import Finite, Section, Side, wrong

YUV = ("YUYV422", "UYVY422", "YUV420SP", "YVU420SP")
Shape = Annotated[tuple[Side, Literal[3], Side, Side], Field(strict=False)]


class Csc(Section):
    """How YUV becomes the network's colours."""

    mode: Literal["FullRange", "LimitedRange", "Matrix"] = Field(
        default="FullRange", description="FullRange for most cameras, LimitedRange for video, or your own Matrix"
    )
    matrix: Annotated[tuple[Finite, ...], Field(strict=False)] | None = Field(
        default=None, validate_default=True, description="12 numbers, 3 rows of 4, the last of each is added"
    )

    @field_validator("matrix")
    @classmethod
    def _fits_mode(cls, matrix: tuple[float, ...] | None, info: ValidationInfo) -> tuple[float, ...] | None:
        mode = info.data.get("mode")
        if mode == "Matrix" and (matrix is None or len(matrix) != 12):
            raise wrong("mode: Matrix needs 12 numbers", "3 rows of 4: three factors and a constant")
        if mode in ("FullRange", "LimitedRange") and matrix is not None:
            raise wrong(f"mode: {mode} has a matrix of its own", "mode: Matrix, or no matrix")
        return matrix


class RuntimeInput(Section):
    """What the program on the board feeds; the compiled model makes the network's input of it."""

    format: Literal["RGB", "BGR", "YUYV422", "UYVY422", "YUV420SP", "YVU420SP"] | None = Field(
        default=None,
        description="Colours: RGB, BGR, or YUV (YUV420SP is NV12, YVU420SP is NV21); by default `input.color`. A "
        "swap of RGB and BGR is folded into the first convolution",
    )
    dtype: Literal["U8", "FP32"] = Field(default="U8", description="U8 for raw pixels, or FP32")
    layout: Literal["NHWC", "NCHW"] = Field(default="NHWC", description="Channels last, or before height and width")
    normalized: bool = Field(
        default=False, description="The program feeds (pixel - mean) / std itself, in FP32; the model does not"
    )
    csc: Csc | None = Field(default=None, description="Conversion of YUV to the network's colours")
    extra_shapes: Annotated[tuple[Shape, ...], Field(strict=False)] = Field(
        default=(), description="Additional shapes (N, 3, H, W) to compile for, with the same calibration"
    )

    @property
    def is_yuv(self) -> bool:
        """Whether the compiled model converts colours."""
        return self.format in YUV

    @property
    def is_made_of_images(self) -> bool:
        """Whether what is fed can be made of image files: of YUV, where its standard is known."""
        return self.csc is None or self.csc.mode != "Matrix"

    def uneven(self, shapes: Iterable[Sequence[int]]) -> str:
        """Which sides of ``shapes`` (N, 3, H, W) must be even and are not, in words; empty if there are none.

        Two neighbours share a colour in each row, and with 4:2:0 (NV12, NV21) in each column, too.
        """
        sides = {"width": 3} if self.format in YUV[:2] else {"height": 2, "width": 3} if self.is_yuv else {}
        odd = [f"the {side} {shape[at]}" for shape in shapes for side, at in sides.items() if shape[at] % 2]
        return f"{self.format} needs an even {' and an even '.join(sides)}, and {odd[0]} is odd" if odd else ""

    @model_validator(mode="after")
    def _fits(self) -> RuntimeInput:
        if self.normalized and self.dtype != "FP32":
            raise wrong("normalized pixels are no U8", "dtype: FP32")
        if self.csc and not self.is_yuv:
            raise wrong("csc is for YUV formats only: between RGB and BGR nothing is converted", "leave out csc")
        if self.is_yuv and (self.dtype, self.layout) != ("U8", "NHWC"):
            raise wrong("YUV is fed as U8 in NHWC", "dtype: U8 and layout: NHWC, or leave both out")
        return self
