"""The configuration model: documented names, values and limits are taken, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recipebuild.pulsar2.config import NPU_MODES, BuildConfig, to_json

STANDINS = Path(__file__).resolve().parents[2] / "standins"
SMALLEST = {"input": "model.onnx", "output_dir": "out"}
CALIBRATION = {"tensor_name": "x", "calibration_dataset": "calibration.tar"}


def config(**fields: Any) -> BuildConfig:
    return BuildConfig.model_validate_json(json.dumps(SMALLEST | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model_type": "QuantONNX"},
        {"target_hardware": "AX8860", "npu_mode": "NPU4"},
        {"target_hardware": "M57", "npu_mode": "NPU1"},
        {"quant": {"calibration_method": "KL", "precision_analysis": True, "precision_analysis_mode": "NPUBackend"}},
        {"quant": {"input_configs": [CALIBRATION | {"calibration_size": -1, "calibration_mean": [127, 127.5]}]}},
        {"quant": {"input_configs": [CALIBRATION | {"calibration_dataset": "a/b.tar.gz"}]}},
        {"input_processors": [{"tensor_name": "DEFAULT", "src_format": "YUV420SP", "src_dtype": "U8"}]},
        {"compiler": {"check": 3, "npu_perf": True}},
    ],
)
def test_documented_values_are_taken_and_written_as_given(fields: dict[str, Any]) -> None:
    assert json.loads(to_json(config(**fields))) == SMALLEST | fields


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"npu_mod": "NPU1"}, "npu_mod"),
        ({"npu_mode": "NPU5"}, "npu_mode"),
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


def test_text_has_documented_order_short_numbers_and_nothing_that_was_not_given() -> None:
    fields = {"compiler": {"check": 1}, "npu_mode": "NPU2", "quant": {"input_configs": [CALIBRATION]}}
    fields["quant"]["input_configs"][0]["calibration_mean"] = [58.395, 0.1]
    text = to_json(config(**fields))
    assert list(json.loads(text)) == ["input", "output_dir", "npu_mode", "quant", "compiler"]
    assert "58.395,\n" in text
    assert text.endswith("}\n")


def test_every_name_and_value_is_one_of_the_documented() -> None:
    """Our schema against that of the stand-in, which was written from the documentation by itself."""
    sys.path.insert(0, str(STANDINS))
    try:
        import pulsar2_schema
    finally:
        sys.path.remove(str(STANDINS))

    def compare(schema: dict[str, Any], documented: Any, where: str) -> None:
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rpartition("/")[2]]
        if schema.get("type") == "object":
            assert set(schema["properties"]) <= set(documented), where
            required = {name for name, kind in documented.items() if isinstance(kind, str) and kind.endswith("!")}
            assert set(schema.get("required", [])) == required, where
            for name, inner in schema["properties"].items():
                compare(inner, documented[name], f"{where}.{name}")
        elif schema.get("type") == "array" and isinstance(documented, list):
            compare(schema["items"], documented[0], where)
        elif "enum" in schema:
            assert documented.startswith("enum "), where
            assert set(schema["enum"]) == set(documented.rstrip("!").split()[1:]), where
        else:
            kind = {"string": ("string", "archive"), "boolean": ("bool",), "integer": ("int",), "array": ("floats",)}
            assert documented.rstrip("!").split()[0] in kind[schema["type"]], where

    whole = BuildConfig.model_json_schema()
    definitions = whole["$defs"]
    compare(whole, pulsar2_schema.CONFIG, "BuildConfig")
    assert {hardware: "".join(mode[-1] for mode in modes) for hardware, modes in NPU_MODES.items()} == (
        pulsar2_schema.CORES
    )


def test_import_is_light() -> None:
    code = (
        "import sys, recipebuild.pulsar2.config, recipebuild.pulsar2.render, recipebuild.pulsar2.toolchain;"
        "print({'jinja2', 'yaml', 'numpy', 'onnx', 'torch', 'PIL'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
