"""The recipe's ``equalize`` section: which changes of the float graph make it lose less in 8 bits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recipebuild.recipe.section import Section


class Equalize(Section):
    """Changes of the float graph before anything is quantized: exact ones, and biases. See docs/equalize.md."""

    layer_norm: bool = Field(
        default=True, description="Scale channels between LayerNormalizations and the linear layers that follow"
    )
    linear: bool = Field(
        default=True,
        description="Scale channels between a linear layer and the next: values and output projection, fc1 and "
        "depthwise convolution, convolutions with ReLU between them",
    )
    query_key: bool = Field(default=True, description="Scale channels between queries and keys")
    attention: Literal["U8", "U16"] | None = Field(
        default=None,
        description="For attention over 200 keys or more: divide by the row sum behind the product with the centred "
        "values, with numerator and denominator in this type; by default Softmax is unchanged",
    )
    tokens: bool = Field(
        default=False,
        description="Keep class token, registers and patches in separate tensors if their ranges differ by a factor "
        "of 8 or more, as in DINOv2",
    )
    bias_correction: bool = Field(
        default=False,
        description="Add to each bias what rounding the weights takes from its product on average. The compiler gets "
        "corrected.onnx; model.onnx stays as it is, and is what the result is compared with",
    )

    @property
    def techniques(self) -> list[str]:
        """The techniques of scales that are on, by name."""
        return [name for name in ("layer_norm", "linear", "query_key") if getattr(self, name)]
