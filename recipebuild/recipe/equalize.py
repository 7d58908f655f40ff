"""The recipe's ``equalize`` section: which exact changes of the float graph make it lose less in 8 bits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recipebuild.recipe.section import Section


class Equalize(Section):
    """Exact changes of the float graph before anything is quantized. See docs/equalize.md."""

    layer_norm: bool = Field(default=True, description="From LayerNormalizations into the linear layers behind them")
    linear: bool = Field(
        default=True,
        description="From a linear layer into the next: values to the output projection, fc1 to the depthwise "
        "convolution, convolutions with ReLU between them",
    )
    query_key: bool = Field(default=True, description="From queries into keys")
    attention: Literal["U8", "U16"] | None = Field(
        default=None,
        description="Divide attention over 200 keys or more by the sum of its row behind the product with the centred "
        "values, not before, with numerator and denominator in this type; left out, Softmax stays as it is",
    )
    tokens: bool = Field(
        default=False,
        description="Keep class token, registers and patches in tensors of their own where their ranges differ by 8 "
        "or more, as in DINOv2",
    )

    @property
    def techniques(self) -> list[str]:
        """The techniques of scales that are on, by name."""
        return [name for name in ("layer_norm", "linear", "query_key") if getattr(self, name)]
