"""``accept``: how far later builds may fall behind figures that were accepted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from recipebuild.recipe.section import Section


class Accept(Section):
    """Which loss against accepted figures is never noise."""

    max_regression: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01,
        description="Largest accepted loss of the metric compared with the accepted figures, whatever its interval: "
        "0.01 is one mIoU point; for AbsRel, RMSE and cosine 1 % of the accepted value",
    )
