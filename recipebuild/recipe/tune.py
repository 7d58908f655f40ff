"""``tune``: how far ``recipebuild tune`` may go, and where it is to come to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from recipebuild.recipe.quantization import Fraction
from recipebuild.recipe.section import Count, Positive, Section


class Tune(Section):
    """What ``recipebuild tune`` searches for, and what it may spend."""

    max_drop: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.005,
        description="Largest loss of the metric by quantization to come to, as a fraction 0 to 1: 0.005 is half an "
        "mIoU point",
    )
    max_16bit_share: Fraction = Field(
        default=0.2, description="Largest share of the model's multiply-adds in 16 bit, 0 to 1"
    )
    trials: Count = Field(default=40, description="How many variants to build and evaluate at most")
    minutes: Positive = Field(default=120.0, description="After how many minutes to begin no more of them")
