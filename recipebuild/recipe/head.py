"""``head``: what is put at the end of the network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from recipebuild.recipe.section import Section, TensorName, wrong


class ArgmaxHead(Section):
    """An ArgMax over the classes at the end of the network: it gives class ids (int64) in place of logits."""

    kind: Literal["argmax"] = Field(default="argmax", description="ArgMax over one axis")
    axis: Annotated[int, Field(ge=-4, le=3)] = Field(default=1, description="Axis of the classes; 1 in N, C, H, W")
    keepdims: bool = Field(default=True, description="Keep the reduced axis with size 1")
    output: TensorName = Field(
        default="argmax_output", description="Name of the output tensor of class ids: letters, digits, `_`, `-`"
    )
    keep_logits: bool = Field(
        default=False, description="Output [logits, class ids], in this order, instead of class ids only"
    )
    before_resize: bool = Field(
        default=False,
        description="Where the network ends by enlarging its logits: the class ids of the logits before that, at their "
        "size; differs from the network where classes meet",
    )

    @field_validator("before_resize")
    @classmethod
    def _is_of_an_image(cls, before: bool, info: ValidationInfo) -> bool:
        axis = info.data.get("axis", 1)
        if before and axis not in (1, -3):
            raise wrong(f"needs the classes on axis 1, got {axis}", "set head.axis: 1, or leave it out")
        return before


class ThresholdHead(Section):
    """A mask at the end of a network of one class: 1 (int32) where the sigmoid of its logit is above a threshold."""

    kind: Literal["threshold"] = Field(description="sigmoid(logit) > threshold, for networks of one class")
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="Smallest probability of a pixel in the class, between 0 and 1"
    )
    output: TensorName = Field(
        default="mask", description="Name of the output tensor of 0 and 1: letters, digits, `_`, `-`"
    )


class NoHead(Section):
    """The network's own outputs as they are."""

    kind: Literal["none"] = Field(description="Add nothing")
    add_axis: Annotated[int, Field(ge=0, le=4)] | None = Field(
        default=None,
        description="Insert an axis of size 1 into the first output here: 1 turns N, H, W into N, 1, H, W, as "
        "programs of ax-samples read depth",
    )
