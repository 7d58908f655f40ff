"""What ``model.json`` says of a head, for each that a recipe may ask for."""

from __future__ import annotations

import pytest

from recipebuild.formats.model import Head as Described
from recipebuild.recipe.wording import KINDS
from recipebuild.toolkit.graph.head import Head


@pytest.mark.parametrize("kind", KINDS["head"])
def test_every_head_can_be_described(kind: str) -> None:
    written = Head.model_validate({"kind": kind}).model_dump(mode="json")
    assert Described.model_validate(written).model_dump(mode="json") == written
