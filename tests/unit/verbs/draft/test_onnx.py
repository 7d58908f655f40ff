"""``new`` on ONNX files: channels first, channels last, any size, several inputs, bytes, no image."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import recipebuild
from recipebuild.errors import RecipeError
from recipebuild.recipe.load import load
from recipebuild.verbs.new import new

FLOAT = TensorProto.FLOAT
Made = Callable[..., Path]


@pytest.fixture
def graph(tmp_path: Path) -> Made:
    """Makes an ONNX file with inputs and outputs of these names, types and sizes; what is inside does not matter."""

    def make(
        inputs: Sequence[tuple[str, int, Sequence[int | str]]],
        output: tuple[int, Sequence[int | str]] = (FLOAT, [1, 19, 8, 16]),
    ) -> Path:
        values = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
        result = helper.make_tensor_value_info("out", *output)
        node = helper.make_node("Identity", [inputs[0][0]], ["out"])
        path = tmp_path / "model.onnx"
        model = helper.make_graph([node], "g", values, [result])
        onnx.save(helper.make_model(model, opset_imports=[helper.make_opsetid("", 17)]), path)
        return path

    return make


@pytest.mark.parametrize(
    ("output", "task", "head"),
    [
        ((FLOAT, [1, 19, 8, 16]), "semantic-segmentation", "argmax"),
        ((TensorProto.INT64, [1, 1, 8, 16]), "semantic-segmentation", "none"),
        ((FLOAT, [1, 1, 64, 128]), "depth-estimation", "none"),
        ((FLOAT, [1, 3, 128, 256]), "image-to-image", "none"),
        ((FLOAT, [1, 1000]), "image-classification", "none"),
        ((FLOAT, [1, 50, 384]), "image-feature-extraction", "none"),
    ],
)
def test_channels_first(graph: Made, tmp_path: Path, output: tuple[int, list[int]], task: str, head: str) -> None:
    path = graph([("image", FLOAT, [2, 3, 64, 128])], output)
    made = new(str(path), tmp_path / "recipes" / "mine.yaml")
    (checked,) = recipebuild.check([str(tmp_path / "recipes" / "mine.yaml")], recipebuild.Options())
    assert not checked.problems
    recipe = load(str(tmp_path / "recipes" / "mine.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.model.source == str(path) and recipe.input.name == "image" and recipe.input.shape == (2, 3, 64, 128)
    assert recipe.model.task == task and recipe.head.kind == head
    assert {"input.color", "input.mean", "input.std"} <= set(made.open)


@pytest.mark.parametrize(
    "outputs",
    [
        [(FLOAT, [1, 300, 4]), (FLOAT, [1, 300, 80])],
        [(TensorProto.INT64, [1, 1, 1, 300]), (FLOAT, [1, 300, 4])],
        [(FLOAT, [1, 255, 20, 20]), (FLOAT, [1, 255, 10, 10])],
        [(FLOAT, [1, 84, 8, 400])],
        [(TensorProto.BOOL, [1, 1, 64, 128])],
    ],
    ids=["boxes", "labels", "heads", "decoded", "true or false"],
)
def test_what_is_no_map_of_the_image_is_taken_as_it_is_and_marked(
    graph: Made, tmp_path: Path, outputs: list[tuple[int, list[int]]]
) -> None:
    path = graph([("image", FLOAT, [1, 3, 64, 128])], outputs[0])
    model = onnx.load(path)
    for at, (kind, shape) in enumerate(outputs[1:]):
        model.graph.node.append(helper.make_node("Identity", ["image"], [f"more{at}"]))
        model.graph.output.append(helper.make_tensor_value_info(f"more{at}", kind, shape))
    onnx.save(model, path)
    made = new(str(path), tmp_path / "mine.yaml")
    assert made.facts["model.task"].value == "other" and "model.task" in made.open
    assert made.facts["head.kind"].value == "none"


def test_logits_with_the_classes_last_are_told_by_the_images_sides(graph: Made, tmp_path: Path) -> None:
    made = new(str(graph([("image", FLOAT, [1, 3, 64, 128])], (FLOAT, [1, 16, 32, 19]))), tmp_path / "mine.yaml")
    assert made.facts["model.task"].value == "semantic-segmentation" and "model.task" in made.open
    assert made.facts["head.axis"].value == 3 and "head.axis" in made.open


def test_one_class_is_drafted_with_a_threshold(graph: Made, tmp_path: Path) -> None:
    path = graph([("image", FLOAT, [1, 3, 64, 128])], (FLOAT, [1, 1, 64, 128]))
    made = new(str(path), tmp_path / "mine.yaml", sets=["model.task=semantic-segmentation"])
    assert made.facts["head.kind"].value == "threshold"


def test_a_preprocessor_config_beside_it_is_read(graph: Made, tmp_path: Path) -> None:
    path = graph([("image", FLOAT, ["batch", 3, "height", "width"])], (FLOAT, [1, 19, 24, 40]))
    settings = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"height": 96, "width": 160}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    made = new(str(path), tmp_path / "mine.yaml")
    assert made.facts["input.shape"].value == [1, 3, 96, 160]
    assert made.facts["input.std"].value == [63.75] * 3
    assert set(made.open) == set()


def test_any_size_is_for_somebody_to_look_at(graph: Made, tmp_path: Path) -> None:
    made = new(str(graph([("image", FLOAT, ["n", 3, "h", 640])])), tmp_path / "mine.yaml")
    assert made.facts["input.shape"].value == [1, 3, 512, 640]
    assert "takes any size" in made.open["input.shape"]
    made = new(str(tmp_path / "model.onnx"), tmp_path / "mine.yaml", sets=["input.shape=[1,3,320,640]"], force=True)
    assert "input.shape" not in made.open


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([("words", TensorProto.STRING, [1, 3])], ["words", "float32, float16, int32"]),
        ([("image:0", FLOAT, [1, 3, 64, 64])], ["image:0", "rename"]),
    ],
)
def test_what_no_recipe_can_feed_is_refused_with_a_way_out(
    graph: Made, inputs: list[tuple[str, int, list[int]]], words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        new(str(graph(inputs)), tmp_path / "mine.yaml")
    assert all(word in caught.value.message + caught.value.remedy for word in words), caught.value.message
    assert not (tmp_path / "mine.yaml").exists()


def test_what_no_build_can_begin_with_is_said_at_once(graph: Made, tmp_path: Path) -> None:
    half = new(str(graph([("image", TensorProto.FLOAT16, [1, 3, 64, 64])])), tmp_path / "half.yaml")
    assert any(note.startswith("warning: model.onnx computes in float16") for note in half.notes)
    assert any("export it in float32" in note for note in half.notes)
    path = graph([("image", FLOAT, [1, 3, 64, 128])])
    model = onnx.load(path)
    codes = helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["q"])
    model.graph.node.insert(0, codes)
    model.graph.initializer.extend(
        [onnx.numpy_helper.from_array(np.float32(1), "scale"), onnx.numpy_helper.from_array(np.uint8(0), "zero")]
    )
    onnx.save(model, path)
    quantized = new(str(path), tmp_path / "quantized.yaml")
    assert any("is quantized already" in note for note in quantized.notes)
    assert any("pulsar2.model_type: QuantONNX" in note for note in quantized.notes)


def test_a_path_that_is_no_utf8_is_refused_with_a_way_out(graph: Made, tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"m\xff")
    strange.mkdir()
    path = graph([("image", FLOAT, [1, 3, 64, 128])]).rename(strange / "model.onnx")
    with pytest.raises(RecipeError, match=r"has bytes that are no UTF-8") as caught:
        new(str(path), tmp_path / "mine.yaml")
    assert "rename it" in caught.value.remedy and not (tmp_path / "mine.yaml").exists()


def test_a_name_with_a_dot_is_taken_as_pytorch_wrote_it(graph: Made, tmp_path: Path) -> None:
    new(str(graph([("input.1", FLOAT, [1, 3, 64, 128])])), tmp_path / "mine.yaml")
    assert load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe.input.name == "input.1"


@pytest.mark.parametrize(
    ("kind", "sizes", "shape", "color", "std"),
    [
        (FLOAT, [1, 64, 128, 3], (1, 3, 64, 128), "RGB", (58.395, 57.12, 57.375)),
        (TensorProto.UINT8, ["n", 64, 128, 3], (1, 3, 64, 128), "RGB", (1, 1, 1)),
        (FLOAT, ["batch", 3, 64, 128], (1, 3, 64, 128), "RGB", (58.395, 57.12, 57.375)),
        (FLOAT, [1, 1, 28, 28], (1, 1, 28, 28), "GRAY", (255,)),
        (FLOAT, [2, 28, 20, 1], (2, 1, 28, 20), "GRAY", (255,)),
        (FLOAT, [1, 4, 64, 128], (1, 4, 64, 128), "RGBA", (255,) * 4),
    ],
    ids=["channels last", "bytes", "any batch", "grey", "grey, channels last", "transparency"],
)
def test_images_of_all_kinds_become_n_c_h_w(
    graph: Made, tmp_path: Path, kind: int, sizes: list[int | str], shape: Any, color: str, std: Any
) -> None:
    new(str(graph([("image", kind, sizes)], (FLOAT, [1, 10]))), tmp_path / "mine.yaml")
    image = load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe.image
    assert image is not None
    assert (image.name, image.shape, image.color, image.std) == ("image", shape, color, std)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    for name in ("ids", "mask"):
        (tmp_path / "samples" / name).mkdir(parents=True)
    return tmp_path / "samples"


def test_tensors_find_their_samples_by_name(graph: Made, tmp_path: Path, samples: Path) -> None:
    path = graph([("ids", TensorProto.INT64, ["batch", 77]), ("mask", FLOAT, [1, 1, 77, 77]), ("bias", FLOAT, [])])
    made = new(str(path), tmp_path / "mine.yaml", sets=[f"calibration.source={samples}"])
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path, files=False)[0].recipe
    assert recipe.image is None and recipe.head.kind == "none"
    assert [(each.name, each.shape, each.dtype, each.source) for each in recipe.tensors] == [
        ("ids", (1, 77), "int64", str(samples / "ids")),
        ("mask", (1, 1, 77, 77), "float32", str(samples / "mask")),
        ("bias", (), "float32", str(tmp_path / "calibration" / "bias")),
    ]
    assert "ids can have other sizes" in made.open["inputs"] and "of bias for each sample" in made.open["inputs"]
    assert "source: ./samples/ids" in made.text


def test_without_samples_the_draft_says_where_they_go(graph: Made, tmp_path: Path) -> None:
    made = new(str(graph([("ids", TensorProto.INT64, [1, 77])])), tmp_path / "mine.yaml")
    assert "./calibration/ids" in made.text and "inputs" in made.open
    assert "--calibration" in made.notes[0]
    with pytest.raises(RecipeError, match="no such folder"):
        load(str(tmp_path / "mine.yaml"), cwd=tmp_path)


def test_what_goes_with_an_image_is_described_beside_it(graph: Made, tmp_path: Path, samples: Path) -> None:
    path = graph([("mask", FLOAT, [1, 1, 16, 32]), ("image", FLOAT, [1, 3, 64, 128])])
    new(str(path), tmp_path / "mine.yaml", sets=[f"calibration.source={samples}"])
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.image is not None and recipe.image.name == "image"
    assert [(each.name, each.source) for each in recipe.tensors] == [("mask", str(samples / "mask"))]


MASKED = [("mask", FLOAT, [1, 1, 16, 32]), ("image", FLOAT, [1, 3, 64, 128])]


@pytest.mark.parametrize("image", ["image", "image.tar", "image.zip"])
def test_an_image_has_its_own_samples_beside_those_of_a_tensor(
    graph: Made, tmp_path: Path, samples: Path, image: str
) -> None:
    (samples / image).mkdir() if image == "image" else (samples / image).touch()
    made = new(str(graph(MASKED)), tmp_path / "mine.yaml", sets=[f"calibration.source={samples}"])
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.calibration.source == str(samples / image)
    assert recipe.tensors[0].source == str(samples / "mask")
    assert "more_inputs" not in made.open and made.notes == []


def test_a_folder_of_images_alone_is_no_source_of_tensors(graph: Made, tmp_path: Path, street_images: Path) -> None:
    made = new(str(graph(MASKED)), tmp_path / "mine.yaml", sets=[f"calibration.source={street_images}"])
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path, files=False)[0].recipe
    assert recipe.calibration.source == str(street_images)
    assert recipe.tensors[0].source == str(tmp_path / "calibration" / "mask")
    assert "of mask for each sample goes to its source" in made.open["more_inputs"]
    assert "look at this" in made.text.partition("more_inputs:")[2].splitlines()[0]


def test_images_and_tensors_may_share_a_folder(graph: Made, tmp_path: Path, street_images: Path) -> None:
    np.save(street_images / "street-0.npy", np.zeros((1, 1, 16, 32), np.float32))
    made = new(str(graph(MASKED)), tmp_path / "mine.yaml", sets=[f"calibration.source={street_images}"])
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.calibration.source == recipe.tensors[0].source == str(street_images)
    assert "more_inputs" not in made.open


def test_samples_that_are_not_there_are_a_mistake_of_the_command_line(graph: Made, tmp_path: Path) -> None:
    for inputs in (MASKED, MASKED[:1]):
        with pytest.raises(RecipeError, match="nowhere"):
            new(str(graph(inputs)), tmp_path / "mine.yaml", sets=[f"calibration.source={tmp_path}/nowhere"])
