"""``help`` of a field tells its words and its default as a recipe means them."""

from __future__ import annotations

import pytest

from recipebuild.verbs.help_ import field_text


@pytest.mark.parametrize(
    ("field", "lines"),
    {
        "head.kind": ["  values:  argmax, none", "  default: argmax"],  # of both kinds of head
        "name": ["  default: the recipe's file name"],
        "input.shape": ["  default: required"],
        "evaluate.max_drop": ["  default: none"],
        "head.keepdims": ["  values:  true, false", "  default: true"],
        "quantization.method": ["  values:  MinMax, ", "  default: MinMax"],
        "calibration.count": ["  default: 32"],
    }.items(),
)
def test_a_fields_words_and_default(field: str, lines: list[str]) -> None:
    text = field_text(field)
    for line in lines:
        assert f"\n{line}" in text, text
    assert ("values:" in text) == any("values:" in line for line in lines)
