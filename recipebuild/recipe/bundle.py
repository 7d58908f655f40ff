"""The recipe's bundle: what only the author of a model can say about it."""

from __future__ import annotations

from pydantic import Field

from recipebuild.recipe.section import Section, Text


class BundleText(Section):
    """Words for the model card of the bundle."""

    license: Text | None = Field(default=None, description="Licence of the weights, preferably an SPDX identifier")
    intended_use: Text | None = Field(
        default=None, description="Intended and unsuitable uses of the model, in a sentence"
    )
