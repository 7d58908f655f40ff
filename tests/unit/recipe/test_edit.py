"""Values changed in a recipe's text, and all else left as it is."""

from __future__ import annotations

from typing import Any

import pytest

from recipebuild.errors import RecipeError
from recipebuild.recipe.edit import with_values

LAYERS = [{"module": "decode_head", "dtype": "U16"}]


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        (
            "# mine\nquantization:\n  method: MinMax   # as always\n\n# the end\n",
            {"quantization.method": "MSE"},
            "# mine\nquantization:\n  method: MSE   # as always\n\n# the end\n",
        ),
        (
            "quantization: {method: MinMax}   # short\ntarget: {npu_mode: NPU3}\n",
            {"quantization.method": "KL"},
            "quantization: {method: KL}   # short\ntarget: {npu_mode: NPU3}\n",
        ),
        (
            "quantization: {method: MinMax}\n",
            {"quantization.layers": LAYERS},
            "quantization: {method: MinMax, layers: [{module: decode_head, dtype: U16}]}\n",
        ),
        ("name: x\n", {"equalize": {}}, "name: x\n\nequalize: {}\n"),
        (
            "quantization: {}\nname: x\n",
            {"quantization.method": "MSE"},
            "quantization: {method: MSE}\nname: x\n",
        ),
        (
            "calibration:\n    source: ./x  # here\n    count: 32\n\n# about input\ninput: {}\n",
            {"calibration.count": 64, "calibration.seed": 1},
            "calibration:\n    source: ./x  # here\n    count: 64\n    seed: 1\n\n# about input\ninput: {}\n",
        ),
        ("name: x", {"quantization.method": "MSE"}, "name: x\n\nquantization:\n  method: MSE\n"),
        ("", {"quantization.method": "MSE"}, "quantization:\n  method: MSE\n"),
        (
            "quantization:\nname: x\n",
            {"quantization.method": "MSE"},
            "quantization:\n  method: MSE\nname: x\n",
        ),
        (
            "quantization:\n  layers:\n    - {op: Softmax, dtype: U16}  # old\n  # why\n  method: KL\n",
            {"quantization.layers": LAYERS},
            "quantization:\n  layers: [{module: decode_head, dtype: U16}]  # old\n  # why\n  method: KL\n",
        ),
        (
            "a: 1\r\nquantization:\r\n  method: MinMax\r\n",
            {"quantization.method": "MSE"},
            "a: 1\r\nquantization:\r\n  method: MSE\r\n",
        ),
        (
            "quantization:\n  \"method\": 'MinMax'\n",
            {"quantization.method": "MSE"},
            'quantization:\n  "method": MSE\n',
        ),
    ],
)
def test_only_the_value_changes(before: str, values: dict[str, Any], after: str) -> None:
    assert with_values(before, values) == after


def test_many_layers_get_a_line_each() -> None:
    layers = [{"module": f"model.encoder.layer.{i}.attention", "dtype": "U16"} for i in range(3)]
    text = with_values("name: x\nquantization:\n  method: KL\n", {"quantization.layers": layers})
    assert text.startswith("name: x\nquantization:\n  method: KL\n  layers:\n")
    assert len(text.splitlines()) == 7
    assert with_values(text, {"quantization.layers": layers[:2]}).count("attention") == 2


def test_what_aliases_stand_for_is_left_to_people() -> None:
    text = "quantization: &q {method: KL}\npulsar2: {overrides: *q}\n"
    with pytest.raises(RecipeError, match="cannot be changed"):
        with_values(text, {"quantization.method": "MSE"})
    with pytest.raises(RecipeError, match="cannot be changed"):
        with_values("quantization: [1]\n", {"quantization.method": "MSE"})
