"""Finding recipes, what a loaded one is, and how quickly."""

from __future__ import annotations

import subprocess
import sys

import pydantic
import pytest

from recipebuild.errors import RecipeError
from recipebuild.recipe.compiler import Compiler
from recipebuild.recipe.load import load
from recipebuild.recipe.problems import RecipeProblems
from recipebuild.recipe.quantization import Quantization
from recipebuild.recipe.runtime_input import RuntimeInput


def test_defaults(desk, good):
    recipe = desk.one(good).recipe
    assert recipe.model_dump(exclude={"model": {"source"}, "calibration": {"source"}, "rewrite": True}) == {
        "name": "r",
        "model": {
            "revision": None,
            "task": "semantic-segmentation",
            "weights": "pretrained",
            "seed": 0,
            "adapter": None,
            "allow_pickle": False,
            "features": None,
            "normalize": False,
            "outputs": (),
        },
        "input": {
            "name": "pixel_values",
            "shape": (1, 3, 64, 128),
            "color": "RGB",
            "mean": (123.675, 116.28, 103.53),
            "std": (58.395, 57.12, 57.375),
            "resize": "stretch",
            "pad_value": 114,
            "align": "center",
        },
        "inputs": (),
        "detector": None,
        "more_inputs": (),
        "equalize": None,
        "export": {"exporter": "dynamo", "opset": 17, "output": "logits"},
        "head": {
            "kind": "argmax",
            "axis": 1,
            "keepdims": True,
            "output": "argmax_output",
            "keep_logits": False,
            "before_resize": False,
        },
        "calibration": {"count": 32, "select": "random", "seed": 0, "format": "Image"},
        "quantization": Quantization().model_dump(),
        "target": {
            "hardware": "AX650",
            "npu_mode": "NPU3",
            "toolchain": "auto",
            "runtime_input": RuntimeInput().model_dump(),
            "runtime_outputs": (),
        },
        "compiler": Compiler().model_dump(),
        "pulsar2": {"version": None, "model_type": "ONNX", "overrides": {}},
        "check": {"ignore": {}},
        "evaluate": None,
        "board": {
            "runner": None,
            "repeat": 100,
            "warmup": 10,
            "affinity": None,
            "vnpu": None,
            "min_agreement": 0.9,
            "min_cosine": 0.98,
        },
        "bundle": {"license": None, "intended_use": None},
        "accept": {"max_regression": 0.01},
        "tune": None,
    }
    assert recipe.rewrite.enabled and recipe.rewrite.switches == {}


def test_a_recipe_cannot_be_changed(desk, good):
    recipe = desk.one(good).recipe
    with pytest.raises(pydantic.ValidationError):
        recipe.export.opset = 18


def test_comments_order_and_style_do_not_make_another_recipe(desk, good):
    head, _, tail = good.partition("calibration:")
    other = f"# a comment\ncalibration:{tail}{head}".replace("1, 3,", "1,   3,").replace("./images", '"./images"')
    assert desk.one(good) == desk.one(other)


def test_whole_numbers_are_fine_where_fractions_are(desk, good):
    assert desk.one(good.replace("58.395", "58")).recipe.input.std[0] == 58.0
    assert desk.one(good.replace("58.395", "5.8e1")).recipe.input.std[0] == 58.0


MODES = [
    ("AX650", "NPU1"),
    ("AX650", "NPU3"),
    ("AX620E", "NPU2"),
    ("AX615", "NPU1"),
    ("AX8860", "NPU4"),
    ("M57", "NPU1"),
]


@pytest.mark.parametrize(("hardware", "mode"), MODES)
def test_modes_that_the_hardware_has(desk, good, hardware, mode):
    target = desk.one(good + f"target: {{hardware: {hardware}, npu_mode: {mode}}}\n").recipe.target
    assert (target.hardware, target.npu_mode) == (hardware, mode)


def test_old_opsets_with_the_old_exporter(desk, good):
    assert desk.one(good + "export: {opset: 11, exporter: torchscript}\n").recipe.export.opset == 11


def test_found_by_path_with_or_without_suffix(desk, good):
    path = desk.write("here/x.yaml", good.replace("./", "../"))
    for name in ("here/x.yaml", "here/x", "./here/x.yaml", str(path)):
        assert load(name, cwd=desk.folder)[0].recipe.name == "x"
    assert load("../here/x.yaml", cwd=desk.folder / "images")[0].recipe.name == "x"


def test_a_path_wins_over_a_shipped_recipe(desk, good):
    desk.write("quickstart.yaml", good + "export: {opset: 21}\n")
    assert load("quickstart", cwd=desk.folder)[0].recipe.export.opset == 21


def test_the_shipped_recipes_are_found_by_name_from_anywhere(desk):
    sets = ["calibration.source=./images"]
    recipe = load("b0-cityscapes", sets=sets, cwd=desk.folder)[0].recipe
    assert recipe.model.source == "nvidia/segformer-b0-finetuned-cityscapes-640-1280"
    assert recipe.input.shape == (1, 3, 640, 1280)
    assert recipe.input.mean == (123.675, 116.28, 103.53)
    assert recipe.input.std == (58.395, 57.12, 57.375)
    assert (recipe.input.color, recipe.target.npu_mode, recipe.head.kind) == ("RGB", "NPU3", "argmax")


def test_the_quickstart_recipe_is_small_and_evaluated(desk):
    sets = ["model.source=./net", "calibration.source=./images", "evaluate.dataset=./labelled"]
    recipe = load("quickstart", sets=sets, cwd=desk.folder)[0].recipe
    assert (recipe.input.shape, recipe.calibration.count) == ((1, 3, 256, 512), 32)


MISSING = {
    "b0-cityscape": ["no such recipe", "did you mean b0-cityscapes?"],
    "here/mien.yaml": ["did you mean mine.yaml?", "recipebuild models"],
    "here": ["is a folder"],
    "nothing-like-it": ["no such recipe", "recipebuild models"],
    "": ["no such recipe"],
    "x" * 5000: ["no such recipe"],
    "here/net.onnx": ["is a model, not a recipe", "`recipebuild new here/net.onnx -o mine.yaml`"],
    "here/folder": ["is a model, not a recipe", "`recipebuild new here/folder -o mine.yaml`"],
    "owner/name": ["no such recipe", "of the Hugging Face hub, `recipebuild new owner/name -o mine.yaml`"],
}


@pytest.mark.parametrize("name", [n for n in MISSING if n])
def test_a_missing_recipe_names_the_nearest(desk, good, name):
    desk.write("here/mine.yaml", good)
    desk.write("here/net.onnx", b"\x08\x0a")
    desk.write("here/folder/config.json", "{}")
    with pytest.raises(RecipeProblems) as caught:
        load(name, cwd=desk.folder)
    for word in [name, *MISSING[name]]:
        assert word in str(caught.value)


def test_files_are_named_as_the_user_would_name_them(desk, tmp_path_factory):
    bad = desk.write("recipes/bad.yaml", "")
    for cwd, name in ((desk.folder, "recipes/bad.yaml"), (desk.folder / "recipes", "bad.yaml")):
        with pytest.raises(RecipeError, match=f"^{name}:1:1: "):
            load(name, cwd=cwd)
    with pytest.raises(RecipeError, match=f"^{bad}:1:1: "):
        load(str(bad), cwd=tmp_path_factory.mktemp("elsewhere"))


def test_a_file_name_that_cannot_name_a_build(desk, good):
    problem = desk.problem(good, name="my recipe.yaml")
    assert problem.field == "name"
    assert "`my recipe`" in problem.message
    assert "name: my-model" in problem.remedy
    assert desk.load("name: fine\n" + good, name="my recipe.yaml")[0].recipe.name == "fine"


def test_loading_brings_no_heavy_import():
    heavy = ("torch", "numpy", "onnx", "PIL", "rich", "typer", "jsonschema", "difflib", "jinja2", "asyncio")
    code = f"import sys, recipebuild.recipe.load as l; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
