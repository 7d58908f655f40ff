"""Layers chosen by module or name, resolved against the model."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from recipebuild.errors import StepError
from recipebuild.pulsar2.layers import resolve


@pytest.fixture
def model(small_onnx: Path) -> onnx.ModelProto:
    return onnx.load(small_onnx)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [(["stem"], ["conv"]), (["st*"], ["conv"]), (["squash", "stem"], ["squash", "conv"]), (["*"], None)],
)
def test_patterns_of_modules_and_names(model: onnx.ModelProto, patterns: list[str], names: list[str] | None) -> None:
    (found,) = resolve([{"module": patterns, "data_type": "U16"}], model)
    if names is None:  # all but what moves data, whose type is that of its users
        names = [node.name for node in model.graph.node if node.op_type not in ("Reshape", "Slice")]
    assert found == {"layer_names": names, "data_type": "U16"}


def test_other_selectors_stay(model: onnx.ModelProto) -> None:
    given = [{"op_type": "Add", "data_type": "U16"}]
    assert resolve(given, model) == given


@pytest.mark.parametrize("pattern", ["decode_head.*", "flatten"])
def test_a_pattern_that_matches_nothing_is_an_error(model: onnx.ModelProto, pattern: str) -> None:
    with pytest.raises(StepError, match="matches no layer") as caught:
        resolve([{"module": ["stem", pattern], "data_type": "U16"}], model)
    assert "modules: stem" in caught.value.remedy
