"""Each section of a recipe reaches the Pulsar2 configuration, and protobuf takes what comes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.resources import shipped
from recipebuild.session import Options
from recipebuild.verbs.render import render

STANDINS = Path(__file__).resolve().parents[2] / "standins"
FINETUNE = {"epochs": 50, "block_size": 3, "batch_size": 2, "learning_rate": 0.0001}
TUNED = {"finetune_epochs": 50, "finetune_block_size": 3, "finetune_batch_size": 2, "finetune_lr": 0.0001}


def config(*sets: str, recipe: str = "quickstart") -> dict[str, Any]:
    values: dict[str, Any] = json.loads(render(recipe, Options(sets=sets)))
    sys.path.insert(0, str(STANDINS))
    try:
        import pulsar2_schema

        assert pulsar2_schema.check(values) == []
    finally:
        sys.path.remove(str(STANDINS))
    return values


@pytest.mark.parametrize(
    ("chip", "mode", "target"),
    [
        ("AX650N", "NPU3", None),
        ("AX8850", "NPU3", None),
        ("AX630C", "NPU2", "AX620E"),
        ("AX620Q", "NPU2", "AX620E"),
        ("AX637", None, "AX637"),
        ("M57H", None, "M57"),
        ("AX8860", "NPU4", "AX8860"),
    ],
)
def test_a_chip_goes_by_its_own_name_and_gets_all_of_its_cores(chip: str, mode: str | None, target: str | None) -> None:
    values = config(f"target.hardware={chip}", recipe="b0-cityscapes")
    assert (values.get("npu_mode"), values.get("target_hardware")) == (mode, target)


@pytest.mark.parametrize("recipe", [path.stem for path in sorted(shipped("recipes").glob("*.yaml"))])
def test_every_shipped_recipe_renders_what_protobuf_takes(recipe: str) -> None:
    assert config(recipe=recipe)["quant"]["input_configs"]


@pytest.mark.parametrize(
    ("section", "path", "value"),
    [
        ("quantization.method=KL", "quant.calibration_method", "KL"),
        ("quantization.transformer_opt_level=1", "quant.transformer_opt_level", 1),
        ("quantization.smooth_quant={strength: 0.5}", "quant.smooth_quant_strength", 0.5),
        ("quantization.conv_bias=FP32", "quant.conv_bias_data_type", "FP32"),
        ("quantization.layer_norm_scale=S32", "quant.ln_scale_data_type", "S32"),
        ("quantization.smooth_quant={}", "quant.enable_smooth_quant", True),
        ("quantization.precision_analysis={method: EndToEnd}", "quant.precision_analysis_method", "EndToEnd"),
        ("quantization.precision_analysis={mode: NPUBackend}", "quant.precision_analysis_mode", "NPUBackend"),
        ("quantization.precision_analysis={}", "quant.precision_analysis", True),
        (
            "quantization.layers=[{name: a, dtype: U16}, {op: [Add, Mul], dtype: FP32}]",
            "quant.layer_configs",
            [{"layer_name": "a", "data_type": "U16"}, {"op_types": ["Add", "Mul"], "data_type": "FP32"}],
        ),
        (
            "quantization.layers=[{between: [[DEFAULT], [DEFAULT]], dtype: U16}, {name: [b], dtype: U8}]",
            "quant.layer_configs",
            [
                {"start_tensor_names": ["DEFAULT"], "end_tensor_names": ["DEFAULT"], "data_type": "U16"},
                {"layer_names": ["b"], "data_type": "U8"},
            ],
        ),
        (
            "quantization.layers=[{op: Conv, dtype: U8, output_dtype: FP32, weight_dtype: S8}]",
            "quant.layer_configs",
            [{"op_type": "Conv", "data_type": "U8", "output_data_type": "FP32", "weight_data_type": "S8"}],
        ),
        ("compiler.npu_perf=true", "compiler.npu_perf", True),
        ("compiler.check=3", "compiler.check", 3),
        ("compiler.static_batch_sizes=[1, 2, 4]", "compiler.static_batch_sizes", [1, 2, 4]),
        ("compiler.max_dynamic_batch_size=4", "compiler.max_dynamic_batch_size", 4),
        ("compiler.ddr_bw_limit=12.5", "compiler.ddr_bw_limit", 12.5),
        ("pulsar2.model_type=QuantONNX", "model_type", "QuantONNX"),
        ("pulsar2.model_type=QuantAxModel", "model_type", "QuantAxModel"),
        ("pulsar2.overrides={quant: {enable_easy_quant: true}}", "quant.enable_easy_quant", True),
        (
            "target.runtime_input.extra_shapes=[[1, 3, 384, 384]]",
            "input_processors.0.src_extra_shapes",
            [{"shape": [1, 3, 384, 384]}],
        ),
        ("target.runtime_input={dtype: FP32, normalized: true}", "input_processors.0.mean", [0.0, 0.0, 0.0]),
        (
            "target.runtime_outputs=[{name: boxes, permute: [0, 2, 3, 1]}]",
            "output_processors.0",
            {"tensor_name": "boxes", "dst_perm": [0, 2, 3, 1]},
        ),
        ("target.runtime_outputs=[{name: DEFAULT, dtype: U8}]", "output_processors.0.output_dtype", "U8"),
        ("calibration.format=Numpy", "quant.input_configs.0.calibration_format", "Numpy"),
    ],
)
def test_sections_reach_their_fields(section: str, path: str, value: Any) -> None:
    field: Any = config(section)
    for part in path.split("."):
        field = field[int(part) if part.isdigit() else part]
    assert field == value


@pytest.mark.parametrize("algorithm", ["adaround", "lsq", "brecq"])
def test_finetuning(algorithm: str) -> None:
    tune = {"algorithm": algorithm, **FINETUNE}
    quant = config(f"quantization={json.dumps({'finetune': tune, 'device': 'cuda:0'})}")["quant"]
    assert quant.items() >= {f"enable_{algorithm}": True, "device": "cuda:0", **TUNED}.items()


def test_bgr_at_run_time_turns_everything_round() -> None:
    fields = config("target.runtime_input.format=BGR", "input.mean=[1, 2, 3]", "input.std=[4, 5, 6]")
    (calibration,), (processor,) = fields["quant"]["input_configs"], fields["input_processors"]
    assert calibration["calibration_mean"] == processor["mean"] == [3, 2, 1]
    assert calibration["calibration_std"] == processor["std"] == [6, 5, 4]
    assert processor["tensor_format"] == processor["src_format"] == "BGR"


def test_yuv_needs_no_swap() -> None:
    (processor,) = config("target.runtime_input={format: YUV420SP, csc: {mode: LimitedRange}}")["input_processors"]
    assert (processor["tensor_format"], processor["src_format"]) == ("RGB", "YUV420SP")
    assert processor["csc_mode"] == "LimitedRange"


def test_overrides_win_and_lists_are_replaced() -> None:
    fields = config(
        "quantization.method=MSE",
        "quantization.layers=[{op: Add, dtype: U16}]",
        "pulsar2.overrides={quant: {calibration_method: KL, layer_configs: [{op_type: Mul, data_type: U16}]}}",
    )
    assert fields["quant"]["calibration_method"] == "KL"
    assert fields["quant"]["layer_configs"] == [{"op_type": "Mul", "data_type": "U16"}]


def test_what_is_not_documented_passes_through_overrides() -> None:
    fields = json.loads(
        render("quickstart", Options(sets=["pulsar2.overrides={debug: {disable_auto_set_extremum_op_fp32: true}}"]))
    )
    assert fields["debug"] == {"disable_auto_set_extremum_op_fp32": True}


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        (["pulsar2.overrides={quant: {check: 7}}"], "pulsar2.overrides make an invalid configuration: quant.check"),
        (['pulsar2.version="3.0"', "quantization.method=KL"], "Pulsar2 3.0 does not have quant.calibration_method: KL"),
        (['pulsar2.version="3.0"', "compiler.npu_perf=true"], "Pulsar2 3.0 does not have compiler.npu_perf"),
    ],
)
def test_what_cannot_be_is_an_error(sets: list[str], says: str) -> None:
    with pytest.raises(StepError) as caught:
        render("quickstart", Options(sets=sets))
    assert says in caught.value.message


def test_the_version_that_has_it_is_named() -> None:
    with pytest.raises(StepError) as caught:
        render(
            "quickstart", Options(sets=['pulsar2.version="3.0"', "quantization.method=KL", "compiler.npu_perf=true"])
        )
    assert "compiler.npu_perf: Pulsar2 3.2 has it" in caught.value.remedy
    assert render("quickstart", Options(sets=['pulsar2.version="4.2-lite"', "quantization.method=KL"]))
