"""A configuration becomes a recipe that renders to the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from support.pulsar2_configs import valid

from recipebuild.errors import RecipeError
from recipebuild.recipe.load import load
from recipebuild.session import Options
from recipebuild.toolkit.pulsar2.config.read import read
from recipebuild.toolkit.pulsar2.same import same
from recipebuild.verbs.import_ import ImportedRecipe, import_config
from recipebuild.verbs.render import render

CONFIGS = sorted((Path(__file__).resolve().parents[5] / "shared" / "pulsar2-configs").glob("*.json"))


def round_trip(config: Path, folder: Path, model: Path | None = None) -> dict[str, Any]:
    """Import, load the recipe as a file, render it, and compare; the recipe's values."""
    recipe = folder / "recipe.yaml"
    recipe.unlink(missing_ok=True)
    import_config(config, model, recipe)
    (folder / "rendered.json").write_text(render(str(recipe), Options()))
    rendered, original = read(folder / "rendered.json"), read(config)
    assert same(rendered.config, original.config)
    assert rendered.unknown == original.unknown
    values: dict[str, Any] = load(str(recipe), cwd=folder, files=False)[0].recipe.model_dump()
    return values


@pytest.mark.skipif(not CONFIGS, reason="the folder of published configurations is not here")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_published_configurations(path: Path, tmp_path: Path) -> None:
    round_trip(path, tmp_path)


def test_outputs_are_a_field_of_recipes(tmp_path: Path) -> None:
    outputs = [{"tensor_name": "boxes", "dst_perm": [0, 2, 3, 1]}, {"tensor_name": "scores", "output_dtype": "U8"}]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**USUAL, "output_processors": outputs}))
    values = round_trip(path, tmp_path)
    assert [each["permute"] for each in values["target"]["runtime_outputs"]] == [(0, 2, 3, 1), ()]
    assert "output_processors" not in values["pulsar2"]["overrides"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(values=valid())
def test_any_valid_configuration(values: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    round_trip(path, tmp_path)


USUAL: dict[str, Any] = {
    "npu_mode": "NPU3",
    "quant": {
        "input_configs": [
            {
                "tensor_name": "pixel_values",
                "calibration_dataset": "calib.tar",
                "calibration_size": 64,
                "calibration_mean": [123.675, 116.28, 103.53],
                "calibration_std": [58.395, 57.12, 57.375],
            }
        ],
        "layer_configs": [{"op_types": ["Softmax"], "data_type": "U16"}],
        "calibration_method": "MSE",
        "transformer_opt_level": 1,
    },
    "input_processors": [
        {
            "tensor_name": "pixel_values",
            "tensor_format": "RGB",
            "src_format": "RGB",
            "src_dtype": "U8",
            "src_layout": "NHWC",
        }
    ],
    "compiler": {"npu_perf": True},
}


def test_what_a_recipe_can_say_needs_no_overrides(tmp_path: Path, small_onnx: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(USUAL))
    recipe = round_trip(tmp_path / "config.json", tmp_path, small_onnx)
    assert recipe["pulsar2"]["overrides"] == {}
    assert (recipe["calibration"]["count"], recipe["quantization"]["method"]) == (64, "MSE")
    assert recipe["quantization"]["layers"][0]["op"] == ("Softmax",)
    assert recipe["compiler"]["npu_perf"]
    assert recipe["input"]["shape"] == (1, 3, 16, 32)
    assert recipe["model"]["source"] == str(small_onnx)


def test_default_is_the_models_one_input(tmp_path: Path, small_onnx: Path) -> None:
    text = json.dumps(USUAL).replace('"pixel_values"', '"DEFAULT"')
    (tmp_path / "config.json").write_text(text)
    recipe = round_trip(tmp_path / "config.json", tmp_path, small_onnx)
    assert recipe["input"]["name"] == "pixel_values"
    assert recipe["pulsar2"]["overrides"] == {}


def test_what_is_missing_is_said(tmp_path: Path, small_onnx: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(USUAL).replace('"pixel_values"', '"DEFAULT"'))
    without = import_config(tmp_path / "config.json", None, None)
    assert set(without.missing) == {"model.source", "input.name", "input.shape", "calibration.source"}
    assert "shape: [1, 3, 224, 224]   # fill in" in without.text
    assert set(import_config(tmp_path / "config.json", small_onnx, None).missing) == {"calibration.source"}


def test_what_is_not_documented_is_kept_and_listed(tmp_path: Path) -> None:
    values = json.loads(json.dumps(USUAL)) | {"debug": {"disable_auto_set_extremum_op_fp32": True}}
    values["quant"]["input_configs"][0]["colour"] = "pink"
    (tmp_path / "config.json").write_text(json.dumps(values))
    round_trip(tmp_path / "config.json", tmp_path)
    assert import_config(tmp_path / "config.json", None, None).undocumented == [
        "quant.input_configs[0].colour",
        "debug.disable_auto_set_extremum_op_fp32",
    ]


def test_a_recipe_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "recipe.yaml").write_text("mine")
    with pytest.raises(RecipeError, match="is there already"):
        import_config(tmp_path / "config.json", None, tmp_path / "recipe.yaml")
    assert (tmp_path / "recipe.yaml").read_text() == "mine"


def test_a_configuration_that_is_not_valid_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"npu_mode": "NPU9"}')
    with pytest.raises(RecipeError, match="npu_mode"):
        import_config(tmp_path / "config.json", None, tmp_path / "recipe.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def imported_from(folder: Path, values: Any, suffix: str = "") -> ImportedRecipe:
    """Write a configuration, with ``suffix`` behind its text, and import it."""
    (folder / "config.json").write_text(json.dumps(values) + suffix)
    return import_config(folder / "config.json", None, folder / "recipe.yaml")


def test_a_calibration_set_that_is_no_archive_becomes_the_recipes_source(tmp_path: Path) -> None:
    values = copy.deepcopy(USUAL)
    values["quant"]["input_configs"][0]["calibration_dataset"] = "./images/*.jpg"
    made = imported_from(tmp_path, values)
    assert any("./images/*.jpg, which is no archive" in note for note in made.notes)
    assert yaml.safe_load(made.text)["calibration"]["source"] == "./images/*.jpg"
    assert render(str(tmp_path / "recipe.yaml"), Options())


def test_what_the_builder_decides_is_listed_and_not_dropped_in_silence(tmp_path: Path) -> None:
    made = imported_from(tmp_path, {**USUAL, "output_dir": "out", "output_name": "x.axmodel", "work_dir": "w"})
    assert [note.split()[0] for note in made.notes] == ["output_dir", "output_name", "work_dir"]
    (tmp_path / "recipe.yaml").unlink()
    assert imported_from(tmp_path, USUAL).notes == []


def test_a_selector_without_a_layer_is_a_note(tmp_path: Path) -> None:
    values = copy.deepcopy(USUAL)
    values["quant"]["layer_configs"].insert(0, {"layer_names": [], "data_type": "U16"})
    made = imported_from(tmp_path, values, "  // a comment\n# another\n")
    assert f"{tmp_path}/config.json:1: quant.layer_configs[0] selects no layer, and is left out" in made.notes
    assert yaml.safe_load(made.text)["quantization"]["layers"] == [{"op": ["Softmax"], "dtype": "U16"}]


def test_a_selector_without_a_layer_is_told_with_its_line(tmp_path: Path) -> None:
    values = copy.deepcopy(USUAL)
    values["quant"]["layer_configs"].append({"op_types": [], "data_type": "U16"})
    text = "// as people write them\n" + json.dumps(values, indent=2).replace("  ", "\t")
    (tmp_path / "config.json").write_text(text)
    line = 1 + next(at for at, each in enumerate(text.splitlines()) if 'op_types": []' in each)
    (note,) = import_config(tmp_path / "config.json", None, None).notes
    assert note.startswith(f"{tmp_path}/config.json:{line - 1}: quant.layer_configs[1] ")


def test_what_is_quantized_already_needs_no_calibration_set(tmp_path: Path, small_onnx: Path) -> None:
    values = {"model_type": "QuantONNX", "npu_mode": "NPU3"}
    (tmp_path / "config.json").write_text(json.dumps(values))
    recipe = round_trip(tmp_path / "config.json", tmp_path, small_onnx)
    assert not recipe["calibration"]["source"]
    assert not import_config(tmp_path / "config.json", small_onnx, None).missing


def test_input_shapes_are_the_shape_of_the_recipe(tmp_path: Path) -> None:
    made = imported_from(tmp_path, {**USUAL, "input_shapes": "pixel_values:1x3x256x512;mask:1x1x8x8"})
    assert yaml.safe_load(made.text)["input"]["shape"] == [1, 3, 256, 512]
    assert "input.shape" not in made.missing


TOGETHER = {
    "npu_mode": "NPU3",
    "quant": {
        "input_configs": [
            {
                "tensor_name": "DEFAULT",
                "calibration_dataset": "samples.tar",
                "calibration_format": "NumpyObject",
                "calibration_size": 8,
            }
        ]
    },
}


def test_inputs_that_are_calibrated_together_are_tensors_of_the_recipe(tmp_path: Path) -> None:
    text = "g (float[1,64] audio, float[2,1,8] state) => (float[1,64] out) { out = Abs(audio) }"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    onnx.save(model, tmp_path / "two.onnx")
    (tmp_path / "config.json").write_text(json.dumps(TOGETHER))
    recipe = round_trip(tmp_path / "config.json", tmp_path, tmp_path / "two.onnx")
    assert recipe["input"] is None and recipe["pulsar2"]["overrides"] == {}
    assert [(each["name"], each["shape"]) for each in recipe["inputs"]] == [("audio", (1, 64)), ("state", (2, 1, 8))]
    assert {Path(each["source"]).name for each in recipe["inputs"]} == {"samples.tar"}
    assert recipe["calibration"]["count"] == 8
    made = import_config(tmp_path / "config.json", tmp_path / "two.onnx", None)
    assert set(made.missing) == {"inputs"} and "mean" not in made.text


@pytest.mark.parametrize("format", ["Numpy", "Binary"])
@pytest.mark.parametrize(("sizes", "is_tensor"), [("1,64", True), ("1,80,3000", True), ("1,3,32,32", False)])
def test_an_input_that_is_calibrated_by_itself_is_a_tensor_unless_it_may_be_an_image(
    tmp_path: Path, format: str, sizes: str, is_tensor: bool
) -> None:
    text = f"g (float[{sizes}] audio) => (float[{sizes}] out) {{ out = Abs(audio) }}"
    onnx.save(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}'), tmp_path / "one.onnx")
    values = copy.deepcopy(TOGETHER)
    values["quant"]["input_configs"][0] |= {"tensor_name": "audio", "calibration_format": format}  # type: ignore[index]
    (tmp_path / "config.json").write_text(json.dumps(values))
    recipe = round_trip(tmp_path / "config.json", tmp_path, tmp_path / "one.onnx")
    assert recipe["calibration"]["format"] == format
    assert [each["name"] for each in recipe["inputs"]] == (["audio"] if is_tensor else [])
    assert (recipe["input"] is None) == is_tensor


@pytest.mark.parametrize("format", ["Numpy", "Binary", "NumpyObject"])
def test_an_input_that_is_no_image_is_marked(tmp_path: Path, format: str) -> None:
    values = copy.deepcopy(USUAL)
    values["quant"]["input_configs"][0]["calibration_format"] = format
    missing = imported_from(tmp_path, values).missing
    assert f"calibration_format is {format}: what is fed is no image" in missing["input.color"]
