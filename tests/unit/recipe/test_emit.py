"""What is written as YAML reads as the same values, by our reader and by others."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from recipebuild.recipe.emit import to_yaml
from recipebuild.recipe.yamltext import parse

WORDS = st.one_of(st.text("aZ09_-:# .'\"/{}[],&*\\\té", max_size=12), st.sampled_from(["on", "1e3", "No", "1:30", "~"]))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6), WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=30,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_round_trip(values: dict[str, Any]) -> None:
    text = to_yaml(values) or "{}"
    _, parsed, flaws = parse(text)
    assert not flaws
    assert parsed == values
    assert yaml.safe_load(text) == values


def test_layout() -> None:
    values = {"model": {"source": "./a.onnx"}, "input": {"shape": [1, 3, 8, 8], "name": "x"}, "list": ["a" * 60] * 2}
    assert to_yaml(values, {"input.shape": "fill in"}) == (
        "model:\n  source: ./a.onnx\ninput:\n  shape: [1, 3, 8, 8]   # fill in\n  name: x\n"
        f"list:\n  - {'a' * 60}\n  - {'a' * 60}\n"
    )
