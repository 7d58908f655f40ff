"""The recipe's switches: one for each rewrite, and nothing else."""

from __future__ import annotations

from recipebuild.facts.rewrites import REWRITES
from recipebuild.recipe.rewrite import Rewrite


def test_every_rewrite_has_a_switch_that_says_what_it_does_and_no_other_has() -> None:
    fields = {name: field.description for name, field in Rewrite.model_fields.items() if name != "enabled"}
    usual = {True: "the target decides by default", False: "off by default"}
    assert fields == {row.name: f"{row.what}; {usual[row.default]}" for row in REWRITES}


def test_switches_are_what_the_recipe_says_and_nothing_else() -> None:
    assert Rewrite.model_validate({"fold_decoder": False, "tile_attention": True}).switches == {
        "fold_decoder": False,
        "tile_attention": True,
    }
    assert Rewrite().switches == {}
