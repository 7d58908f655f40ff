"""The configuration model: documented names, values and limits are taken, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from recipebuild.toolkit.pulsar2.config import BuildConfig, to_json
from recipebuild.toolkit.pulsar2.config.versions import unpublished

SMALLEST = {"input": "model.onnx", "output_dir": "out"}
CALIBRATION = {"tensor_name": "x", "calibration_dataset": "calibration.tar"}


def config(**fields: Any) -> BuildConfig:
    return BuildConfig.model_validate_json(json.dumps(SMALLEST | fields))


def test_what_differs_from_the_documented_defaults_is_written_as_given() -> None:
    fields = {
        "npu_mode": "NPU2",
        "quant": {"input_configs": [CALIBRATION | {"calibration_size": -1}], "calibration_method": "KL"},
        "input_processors": [
            {"tensor_name": "DEFAULT", "src_format": "YUV420SP", "src_dtype": "U8", "csc_mode": "LimitedRange"}
        ],
        "compiler": {"check": 3, "npu_perf": True},
    }
    assert json.loads(to_json(config(**fields))) == SMALLEST | fields


def test_an_input_that_another_model_quantized_already() -> None:
    fields = {
        "quant": {"input_configs": [CALIBRATION | {"calibration_format": "Numpy"}]},
        "input_processors": [{"tensor_name": "x", "src_dtype": "U8", "scale": 0.0375, "zeropoint": 128}],
        "debug": {"dump_frontend_graph": True},
    }
    assert json.loads(to_json(config(**fields))) == SMALLEST | fields


def test_values_that_no_page_has_are_taken_and_told() -> None:
    settings = config(target_hardware="LAGUNA", npu_mode="NPU5", model_type="ISP")
    assert unpublished(settings) == ["model_type: ISP", "target_hardware: LAGUNA", "npu_mode: NPU5"]
    assert unpublished(config(target_hardware="AX8860", npu_mode="NPU4")) == []


def test_defaults_are_left_out() -> None:
    fields = {
        "target_hardware": "AX650",
        "quant": {"input_configs": [CALIBRATION | {"calibration_size": 32, "calibration_format": "Image"}]},
        "compiler": {"check": 0, "sub_configs": []},
    }
    assert json.loads(to_json(config(**fields))) == SMALLEST | {"quant": {"input_configs": [CALIBRATION]}}


def test_a_default_that_sets_something_back_stays() -> None:
    layers = [{"start_tensor_names": ["DEFAULT"], "end_tensor_names": ["DEFAULT"], "data_type": "U16"}]
    layers.append({"layer_names": ["a"], "data_type": "U8"})
    part = {"check": 0, "start_tensor_names": ["a"], "end_tensor_names": ["b"]}
    fields = {"quant": {"layer_configs": layers}, "compiler": {"check": 2, "sub_configs": [part]}}
    assert json.loads(to_json(config(**fields))) == SMALLEST | fields


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"npu_mod": "NPU1"}, "npu_mod"),
        ({"npu_mode": "NPU5"}, "NPU5 does not exist on AX650"),
        ({"target_hardware": "AX630C"}, "target_hardware"),
        ({"target_hardware": "AX637", "npu_mode": "NPU2"}, "NPU2 does not exist on AX637: NPU1"),
        ({"input_processors": [{"tensor_name": "x", "src_format": "YUV420SP"}]}, "it cannot remain NoCSC"),
        ({"input_processors": [{"tensor_name": "x", "zeropoint": 3}]}, "zeropoint is set only if scale is not 0"),
        (
            {"input_processors": [{"tensor_name": "x", "scale": 0.1}], "quant": {"input_configs": [CALIBRATION]}},
            "x has a scale in input_processors, so it is calibrated with Numpy, Binary or NumpyObject",
        ),
        ({"npu_mode": 3}, "npu_mode"),
        ({"npu_mode": "NPU4"}, "NPU4 does not exist on AX650: NPU1, NPU2, NPU3"),
        ({"target_hardware": "AX620E", "npu_mode": "NPU3"}, "NPU3 does not exist on AX620E"),
        ({"target_hardware": "AX615", "npu_mode": "NPU3"}, "NPU3 does not exist on AX615"),
        ({"target_hardware": "AX8860", "npu_mode": "NPU3"}, "NPU3 does not exist on AX8860"),
        ({"target_hardware": "ax650"}, "target_hardware"),
        ({"quant": {"calibration_method": "minmax"}}, "calibration_method"),
        ({"quant": {"transformer_opt_level": 3}}, "transformer_opt_level"),
        ({"quant": {"precision_analysis": "true"}}, "precision_analysis"),
        ({"quant": {"input_configs": [{"tensor_name": "x"}]}}, "calibration_dataset"),
        ({"quant": {"input_configs": [CALIBRATION | {"calibration_dataset": "images"}]}}, "calibration_dataset"),
        ({"quant": {"input_configs": [CALIBRATION | {"calibration_size": "32"}]}}, "calibration_size"),
        ({"quant": {"input_configs": [CALIBRATION | {"calibration_size": 1.5}]}}, "calibration_size"),
        ({"quant": {"input_configs": [CALIBRATION | {"calibration_std": ["1"]}]}}, "calibration_std"),
        ({"input_processors": [{"tensor_name": "x", "tensor_format": "YUV420SP"}]}, "tensor_format"),
        ({"compiler": {"check": 4}}, "check"),
    ],
)
def test_what_is_not_documented_is_refused(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(where)):
        config(**fields)


@pytest.mark.parametrize("name", ["input", "output_dir"])
def test_required_fields(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        BuildConfig.model_validate({key: value for key, value in SMALLEST.items() if key != name})


def test_text_has_documented_order_and_short_numbers() -> None:
    fields: dict[str, Any] = {"compiler": {"check": 1}, "npu_mode": "NPU2", "quant": {"input_configs": [CALIBRATION]}}
    fields["quant"]["input_configs"][0]["calibration_mean"] = [58.39500045776367, 0.1]
    text = to_json(config(**fields))
    assert list(json.loads(text)) == ["input", "output_dir", "npu_mode", "quant", "compiler"]
    assert "58.395,\n" in text
    assert text.endswith("}\n")


def test_import_is_light() -> None:
    code = (
        "import sys; from recipebuild.toolkit.pulsar2 import config, render, toolchain;"
        "print({'jinja2', 'yaml', 'numpy', 'onnx', 'torch', 'PIL'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
