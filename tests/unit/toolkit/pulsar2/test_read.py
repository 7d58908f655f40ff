"""Reading configurations as people write them, and writing them canonically."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recipebuild.errors import RecipeError
from recipebuild.toolkit.pulsar2.config import BuildConfig, to_json
from recipebuild.toolkit.pulsar2.config.message import short
from recipebuild.toolkit.pulsar2.config.read import read, relaxed_json
from recipebuild.toolkit.pulsar2.config.versions import numbers, too_new

CONFIGS = sorted((Path(__file__).resolve().parents[5] / "shared" / "pulsar2-configs").glob("*.json"))
JSON = """\
{ // a comment with "quotes", and a comma ,
  "input": "a//b#c.onnx", /* over
  lines */ "output_dir": "out",
  # another
  "npu_mode": "NPU2",
  "quant": {"input_configs": [{"tensor_name":\t"x", "calibration_dataset": "c.tar", "calibration_mean": [1, 2.5,],}],
    "layer_configs": [{"start_tensor_names": "a", "end_tensor_names": ["b"], "data_type": "U16"}]},
  "debug": {"disable_auto_set_extremum_op_fp32": true},
}
"""
YAML = """\
input: a//b#c.onnx
output_dir: out
npu_mode: NPU2
quant:
  input_configs: [{tensor_name: x, calibration_dataset: c.tar, calibration_mean: [1, 2.5]}]
  layer_configs: [{start_tensor_names: a, end_tensor_names: [b], data_type: U16}]
debug: {disable_auto_set_extremum_op_fp32: true}
"""
TOML = """\
input = "a//b#c.onnx"
output_dir = "out"
npu_mode = "NPU2"
[quant]
input_configs = [{tensor_name = "x", calibration_dataset = "c.tar", calibration_mean = [1, 2.5]}]
layer_configs = [{start_tensor_names = "a", end_tensor_names = ["b"], data_type = "U16"}]
[debug]
disable_auto_set_extremum_op_fp32 = true
"""
PROTOTXT = """\
input: "a//b" '#c.onnx'  # two strings are one
output_dir: "out"
npu_mode: NPU2
quant {
  input_configs { tensor_name: "x" calibration_dataset: "c.tar" calibration_mean: 1 calibration_mean: 2.5f }
  layer_configs < start_tensor_names: "a", end_tensor_names: ["b"]; data_type: U16 >
}
debug { disable_auto_set_extremum_op_fp32: true }
"""


@pytest.mark.parametrize(("suffix", "text"), [("json", JSON), ("yaml", YAML), ("toml", TOML), ("prototxt", PROTOTXT)])
def test_all_kinds_of_files_say_the_same(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"config.{suffix}"
    path.write_text(text, encoding="utf-8")
    parsed = read(path)
    layer = {"start_tensor_names": ["a"], "end_tensor_names": ["b"], "data_type": "U16"}
    assert json.loads(to_json(parsed.config)) == {
        "input": "a//b#c.onnx",
        "output_dir": "out",
        "npu_mode": "NPU2",
        "quant": {
            "input_configs": [{"tensor_name": "x", "calibration_dataset": "c.tar", "calibration_mean": [1, 2.5]}],
            "layer_configs": [layer],
        },
    }
    assert parsed.unknown == {"debug": {"disable_auto_set_extremum_op_fp32": True}}
    note = 'quant.layer_configs[0].start_tensor_names is "a", and is taken for a list of that one'
    assert parsed.notes == (() if suffix == "prototxt" else (note,))


def test_a_struct_in_prototxt(tmp_path: Path) -> None:
    path = tmp_path / "config.prototxt"
    path.write_text(
        'op_processors { op_name: "pool" attrs { fields { key: "ceil_mode" value { number_value: 1 } }'
        ' fields { key: "pads" value { list_value { values { number_value: 0 } values { number_value: 2 } } } } } }'
    )
    assert read(path).config.op_processors[0].attrs == {"ceil_mode": 1, "pads": [0, 2]}


def test_what_the_command_line_gives_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    config = read(tmp_path / "c.json").config
    assert (config.input, config.output_dir) == ("model.onnx", "output")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("c.json", '{"input": "a"\n"output_dir": "b"}', "line 2"),
        ("c.json", '{"npu_mode": "NPU1", "npu_mode": "NPU2"}', "npu_mode is there twice"),
        ("c.json", "[1]", "not a mapping"),
        ("c.json", "{" * 5000, "c.json"),
        ("c.yaml", "a: [", "c.yaml"),
        ("c.toml", "a = ", "c.toml"),
        ("c.prototxt", "quant {\n input_configs ! }", "line 2"),
        ("c.prototxt", "quant {", "not ''"),
        ("c.json", '{"npu_mode": "NPU4"}', "NPU4 does not exist on AX650"),
        ("c.json", '{"quant": {"calibration_method": "best"}}', "quant.calibration_method"),
        ("c.json", '{"quant": {"input_configs": ["x"]}}', "quant.input_configs[0]"),
        ("missing.json", None, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, name: str, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(RecipeError) as caught:
        read(tmp_path / name)
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_unknown_fields_are_set_aside_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(
        '{"quant": {"input_configs": [{"tensor_name": "x", "calibration_dataset": "a.zip", "colour": 1}], "fast": 2}}'
    )
    assert read(tmp_path / "c.json").unknown == {"quant": {"input_configs": {"0": {"colour": 1}}, "fast": 2}}


@pytest.mark.skipif(not CONFIGS, reason="the folder of published configurations is not here")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_published_configurations_read_and_write_to_the_same(path: Path, tmp_path: Path) -> None:
    config = read(path).config
    (tmp_path / "again.json").write_text(to_json(config))
    assert read(tmp_path / "again.json").config == config


@pytest.mark.parametrize(
    ("value", "shorter"), [(58.39500045776367, 58.395), (0.1, 0.1), (1e-6, 1e-6), (123.675, 123.675), (0.0, 0.0)]
)
def test_floats_are_short(value: float, shorter: float) -> None:
    assert short(value) == shorter


def test_relaxed_json_keeps_what_only_looks_like_a_comment() -> None:
    assert relaxed_json('{"a": "http://x/*y*/ #z", "b": "\\"//", "c": [1,\n],}') == {
        "a": "http://x/*y*/ #z",
        "b": '"//',
        "c": [1],
    }


def test_versions() -> None:
    values = {"input": "a", "output_dir": "b", "target_hardware": "M57", "compiler": {"npu_perf": True, "check": 3}}
    values["quant"] = {"calibration_method": "KL", "transformer_opt_level": 1}
    config = BuildConfig.model_validate_json(json.dumps(values))
    assert [(new.what, new.first) for new in too_new(config, "2.6-patch1")] == [
        ("target_hardware: M57", "4.2"),
        ("quant.calibration_method: KL", "4.2"),
        ("compiler.check: 3", "3.0"),
        ("compiler.npu_perf", "3.2"),
    ]
    assert [new.what for new in too_new(config, "3.2")] == ["target_hardware: M57", "quant.calibration_method: KL"]
    assert too_new(config, "7.0-lite") == []
    assert numbers("7.0-lite") > numbers("4.2") > numbers("4.1-patch2") > numbers("latest")
