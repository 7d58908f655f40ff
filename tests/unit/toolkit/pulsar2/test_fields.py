"""Each field of the configuration with each of its values: the rows of docs/pulsar2-fields.md, one test each."""

from __future__ import annotations

import copy
import json
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from recipebuild.toolkit.pulsar2.config import BuildConfig, to_json
from scripts.pulsar2_reference import Row, rows

LEAST: dict[str, Any] = {"input": "model.onnx", "output_dir": "out"}
ROWS = {row.path: row for row in rows()}
LISTS = (
    "quant.input_configs", "quant.layer_configs", "input_processors", "input_processors.src_extra_shapes",
    "output_processors", "const_processors", "op_processors", "quant_op_processors", "compiler.sub_configs",
    "compiler.compiler_group_patterns", "compiler.compiler_group_patterns.nodes",
    "compiler.sub_configs.compiler_group_patterns", "compiler.sub_configs.compiler_group_patterns.nodes",
)  # fmt: skip
SAMPLES: dict[str, Any] = {
    "quant.input_configs.calibration_dataset": ["set.tar", "set.tar.gz", "set.zip"],
    "quant.device": ["cuda:0"],
    "quant.refine_weight_threshold": [0.0001, -1],
    "input_shapes": ["x:1x3x8x8;y:2"],
    "input_processors.csc_mat": [[1.0] * 12],
    "input_processors.scale": [0.5],
    "op_processors.attrs": [{"axis": 1}],
    "quant_op_processors.attrs": [{"axis": 1}],
    "compiler.compiler_group_patterns.nodes.properties": [{"kernel": [3, 3]}],
    "compiler.sub_configs.compiler_group_patterns.nodes.properties": [{"kernel": [3, 3]}],
}
"""Values of fields whose type alone does not give one."""

BESIDE: dict[str, dict[str, Any]] = {
    "quant.input_configs": {"tensor_name": "x", "calibration_dataset": "set.tar"},
    "quant.layer_configs": {"layer_name": "conv"},
    "quant.layer_configs.op_type": {"layer_name": ""},
    "quant.layer_configs.layer_names": {"layer_name": ""},
    "quant.layer_configs.op_types": {"layer_name": ""},
    "quant.layer_configs.start_tensor_names": {"layer_name": "", "end_tensor_names": ["y"]},
    "quant.layer_configs.end_tensor_names": {"layer_name": "", "start_tensor_names": ["x"]},
    "input_processors": {"tensor_name": "x"},
    "input_processors.csc_mat": {"csc_mode": "Matrix"},
    "input_processors.csc_mode=Matrix": {"csc_mat": [1.0] * 12},
    "input_processors.zeropoint": {"scale": 0.5},
    "input_processors.src_extra_shapes": {"shape": [1, 3, 8, 8]},
    "output_processors": {"tensor_name": "y"},
    "const_processors": {"name": "w", "data": [1.0]},
    "const_processors.data_path": {"data": []},
    "op_processors": {"op_name": "conv", "attrs": {"axis": 0}},
    "quant_op_processors": {"op_name": "conv", "attrs": {"axis": 0}},
    "compiler.sub_configs": {"start_tensor_names": ["x"], "end_tensor_names": ["y"]},
    **{f"input_processors.src_format={name}": {"csc_mode": "FullRange"}
       for name in ("YUYV422", "UYVY422", "YUV420SP", "YVU420SP")},
}  # fmt: skip
"""What the documentation asks for beside a field, or beside one value of it."""

CHIPS = {"NPU4": "AX8860", "NPU5": "LAMBERT", "ISP1": "LAMBERT", "ISP2": "LAMBERT", "ISP3": "LAMBERT"}
"""A chip that has the mode."""


def values(row: Row) -> list[Any]:
    """Values that the field takes: all, where they are few."""
    if row.path in SAMPLES:
        return list(SAMPLES[row.path])
    if row.values:
        return list(row.values)
    kind = row.takes.split(",")[0].strip()
    samples: dict[str, list[Any]] = {
        "string": ["some"], "integer": [1], "number": [0.25], "list of strings": [["some", "other"]],
        "list of numbers": [[0.5, 1.5]], "list of integers": [[1, 2]],
    }  # fmt: skip
    return samples[kind]


def config(path: str, value: Any) -> dict[str, Any]:
    """A configuration with one field at a value, and what must be beside it."""
    made = copy.deepcopy(LEAST)
    at: Any = made
    *sections, name = path.split(".")
    for depth in range(len(sections)):
        section = ".".join(sections[: depth + 1])
        inner = dict(BESIDE.get(section, {}))
        at[sections[depth]] = [inner] if section in LISTS else inner
        at = inner
    at.update(BESIDE.get(path, {}) | BESIDE.get(f"{path}={value}", {}))
    at[name] = value
    if path == "npu_mode":
        made["target_hardware"] = CHIPS.get(str(value), "AX650")
    if path == "target_hardware":
        made["npu_mode"] = "NPU1"
    return made


def there(made: Any, path: str) -> Any:
    for name in path.split("."):
        made = made[0] if isinstance(made, list) else made
        made = made[name]
    return made


@pytest.mark.parametrize("path", ROWS)
def test_a_field(documented: ModuleType, path: str) -> None:
    row = ROWS[path]
    for value in values(row):
        made = config(path, value)
        assert documented.check(made) == [], value
        ours = BuildConfig.model_validate_json(json.dumps(made))
        again = json.loads(to_json(ours))
        assert BuildConfig.model_validate_json(json.dumps(again)) == ours
        assert documented.check(again) == []
        if json.dumps(value) != row.default:
            assert there(again, path) == value
    unlike = {"object": ["no"], "list": {"no": 1}}.get(row.takes.split(" ")[0], {"no": 1})
    for wrong in (f"no {path}" if row.values else unlike, [[["no"]]]):
        made = config(path, wrong)
        assert documented.check(made), wrong
        with pytest.raises(ValidationError):
            BuildConfig.model_validate_json(json.dumps(made))


def test_a_configuration_has_no_other_field(documented: ModuleType) -> None:
    for section in {path.rpartition(".")[0] for path in ROWS} - {"debug"}:  # public configurations have more there
        made = config(f"{section}.nothing".lstrip("."), 1)
        assert documented.check(made), section
        with pytest.raises(ValidationError):
            BuildConfig.model_validate_json(json.dumps(made))
