"""What the model expects of an image, and what the program on the board feeds: the words only, none of the work.

Steps that compile need these words and no image: what makes images of them must not count in an hour's key.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Size = Annotated[int, Field(gt=0)]
Mean = Annotated[float, Field(allow_inf_nan=False)]
Std = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ImageSpec(BaseModel):
    """What the model expects of an image.

    Attributes:
        name: The name of the model's input.
        shape: N, C, H, W; all positive, C is 3, or 1 for GRAY, or 4 for RGBA.
        color: The order of the channels that the model was trained with.
        mean: Per channel, in the order of ``color``, in units of 0..255.
        std: Per channel, in the order of ``color``, in units of 0..255; greater than 0.
        resize: ``stretch`` to the exact size, or ``letterbox``: the aspect ratio is kept, and the rest is grey.
        pad_value: That grey, 0..255.
        align: Where a letterboxed image lies: in the ``center``, or at the ``top-left``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="pixel_values", min_length=1)
    shape: tuple[Size, Literal[1, 3, 4], Size, Size]
    color: Literal["RGB", "BGR", "GRAY", "RGBA"] = "RGB"
    mean: tuple[Mean, ...]
    std: tuple[Std, ...]
    resize: Literal["stretch", "letterbox"] = "stretch"
    pad_value: int = Field(default=114, ge=0, le=255)
    align: Literal["center", "top-left"] = "center"

    @model_validator(mode="after")
    def _fits_color(self) -> ImageSpec:
        counts = {"GRAY": 1, "RGBA": 4}.get(self.color, 3), len(self.mean), len(self.std)
        if any(count != self.shape[1] for count in counts):
            raise ValueError(f"{self.color}, mean and std are of {counts} channels, the shape of {self.shape[1]}")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, in PIL's order."""
        return self.shape[3], self.shape[2]


Format = Literal["RGB", "BGR", "YUYV422", "UYVY422", "YUV420SP", "YVU420SP"]
YUV = ("YUYV422", "UYVY422", "YUV420SP", "YVU420SP")
YUV_ROWS = {"YUV420SP": (3, 2, 1), "YVU420SP": (3, 2, 1), "YUYV422": (1, 1, 2), "UYVY422": (1, 1, 2)}
"""Of YUV: height times the first over the second, and the number of channels."""


class YuvConversion(BaseModel):
    """How YUV becomes the network's colours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["FullRange", "LimitedRange", "Matrix"] = "FullRange"
    matrix: tuple[float, ...] | None = None


class Runtime(BaseModel):
    """A recipe's ``target.runtime_input``.

    Attributes:
        format: The colours that are fed; ``None`` for those of the network.
        dtype: Of what is fed.
        layout: Of what is fed.
        normalized: Whether what is fed is (pixel - mean) / std already.
        csc: How YUV is converted.
        extra_shapes: More shapes N, C, H, W that the model is compiled for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format | None = None
    dtype: Literal["U8", "FP32"] = "U8"
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    normalized: bool = False
    csc: YuvConversion | None = None
    extra_shapes: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def is_yuv(self) -> bool:
        """Whether the compiled model converts colours."""
        return self.format in YUV

    def shape(self, spec: ImageSpec) -> tuple[int, ...]:
        """The sizes of what is fed. YUV 4:2:0 has half as many rows again, for its colours."""
        batch, channels, height, width = spec.shape
        if self.format in YUV_ROWS:
            times, over, planes = YUV_ROWS[self.format]
            return batch, height * times // over, width, planes
        return (batch, height, width, channels) if self.layout == "NHWC" else (batch, channels, height, width)
