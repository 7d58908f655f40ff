"""From a value of Pulsar2's configuration back to the recipe."""

from __future__ import annotations

import json

import pytest

from recipebuild.facts.fields import config_field, config_leaves
from recipebuild.recipe.fields import all_fields
from recipebuild.session import Options
from recipebuild.verbs.render import render

THE_BUILDS_OWN = {"input", "output_dir", "input_processors[0].tensor_layout"}


@pytest.mark.parametrize(
    "sets",
    [
        [],
        ["target.runtime_input.format=YUV420SP", "target.runtime_input.csc.mode=LimitedRange"],
        ["quantization.smooth_quant.threshold=0.3", "quantization.precision_analysis.method=EndToEnd"],
        ["quantization.finetune.algorithm=lsq", "quantization.device=cuda:0", "compiler.npu_perf=true"],
        ["quantization.layers=[{op: Softmax, dtype: U16}]", "quantization.transformer_opt_level=1"],
    ],
)
def test_every_value_has_its_field_in_the_recipe(sets: list[str]) -> None:
    config = json.loads(render("quickstart", Options(sets=sets)))
    for path, _ in config_leaves(config):
        field = config_field(path, {})
        if path not in THE_BUILDS_OWN:
            assert field and tuple(field.split(".")) in all_fields(), path


def test_an_override_wins_where_it_says_something() -> None:
    overrides = {"npu_mode": "NPU1", "quant": {"input_configs": [{"calibration_mean": [1, 2, 3]}]}}
    assert config_field("npu_mode", overrides) == "pulsar2.overrides"
    assert config_field("quant.input_configs[0].calibration_mean", overrides) == "pulsar2.overrides"
    assert config_field("quant.input_configs[0].calibration_std", overrides) == "input.std"
    assert config_field("quant.calibration_method", overrides) == "quantization.method"


def test_the_leaves_are_the_whole_configuration() -> None:
    assert dict(config_leaves({"a": {"b": [{"c": [1, 2]}, {"c": 3}]}, "d": []})) == {
        "a.b[0].c": [1, 2],
        "a.b[1].c": 3,
        "d": [],
    }
