"""``more_inputs``: what a network takes besides the image."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from recipebuild.recipe.section import InputName, Section, Side, Text


class MoreInput(Section):
    """An input that is no image. Its tensors are taken as they are."""

    name: InputName = Field(description="Name of the input tensor: letters, digits, `_`, `-`, `.`")
    shape: Annotated[tuple[Side, ...], Field(strict=False)] = Field(
        description="Its sizes, whole numbers, such as [1, 77]"
    )
    source: Text = Field(
        description="Folder with a .npy file for each calibration image, of the image's name and the input's exact "
        "shape and element type"
    )
