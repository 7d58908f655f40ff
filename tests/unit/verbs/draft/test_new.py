"""``new`` over every family that is known and over ONNX files: what it fills in is what the shipped recipes say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import recipebuild
from recipebuild.errors import MissingError, RecipeError
from recipebuild.recipe.load import load
from recipebuild.recipe.schema import Recipe
from recipebuild.resources import shipped
from recipebuild.toolkit.models.families import _table, config_for, family_table
from recipebuild.verbs.new import Draft, new

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
CLIP = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}

RECIPES = sorted(path.stem for path in shipped("recipes").glob("*.yaml") if "quickstart" not in path.stem)
OF_IMAGES = [name for name in RECIPES if load(name, cwd=Path.cwd())[0].recipe.image]
MORE = ["nvidia/mit-b3", "Intel/dpt-large-ade"]


def preprocessor(model_type: str, hub_id: str, height: int, width: int) -> dict[str, Any]:
    """A preprocessor_config.json as the hub has it for such a model, in the forms of old and new transformers."""
    sides = {"height": height, "width": width}
    match model_type:
        case "mobilevit":
            kind = {"feature_extractor_type": "MobileViTFeatureExtractor", "do_rescale": True}
            return {**kind, "do_center_crop": True, "crop_size": sides, "size": {"shortest_edge": height + 32}}
        case "glpn":
            return {"image_processor_type": "GLPNImageProcessor", "do_rescale": True, "size_divisor": 32}
        case "clip":
            edges = {"size": {"shortest_edge": height}, "crop_size": sides}
            return {"image_processor_type": "CLIPImageProcessor", "do_normalize": True, **edges, **CLIP}
        case "vit" if "deit" not in hub_id:
            return {"do_normalize": True, "do_resize": True, "size": height, **HALF}  # as of 2021
        case "dpt" | "beit" | "siglip":
            return {"do_normalize": True, "rescale_factor": 0.00392156862745098, "size": sides, **HALF}
        case "swin2sr":
            return {"image_processor_type": "Swin2SRImageProcessor", "do_rescale": True, "rescale_factor": 1 / 255}
        case "depth_anything":
            return {"ensure_multiple_of": 14, "keep_aspect_ratio": True, "size": sides, **IMAGENET}
        case "dinov2" | "dinov2_with_registers":
            return {"crop_size": sides, "do_center_crop": True, "size": {"shortest_edge": 256}, **IMAGENET}
        case _:
            return {"do_normalize": True, "do_resize": True, "size": sides, **IMAGENET}


def hf_folder(folder: Path, hub_id: str, height: int, width: int) -> Path:
    config = config_for(hub_id)
    assert config is not None
    folder = folder / hub_id.rpartition("/")[2]
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    settings = preprocessor(config["model_type"], hub_id, height, width)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def drafted(folder: Path, target: Path, **how: Any) -> tuple[Draft, Recipe]:
    """The draft and what it loads as; it passes ``check``."""
    made = new(str(folder), target, **how)
    (checked,) = recipebuild.check([str(target)], recipebuild.Options())
    assert not checked.problems
    return made, load(str(target), cwd=Path.cwd())[0].recipe


@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_folder_gives_what_the_shipped_recipe_for_it_says(name: str, tmp_path: Path) -> None:
    (variant,) = load(name, cwd=Path.cwd())
    ours = variant.recipe
    height, width = ours.input.shape[2:]
    folder = hf_folder(tmp_path, ours.model.source, height, width)
    made, recipe = drafted(folder, tmp_path / "recipes" / "mine.yaml")
    assert recipe.model.source == str(folder)
    assert recipe.model.task == ours.model.task
    assert recipe.model.features in (ours.model.features, "patches" if ours.model.features is None else None)
    assert recipe.head == ours.head
    assert recipe.export == ours.export or ours.model.source.startswith(("Intel", "apple", "nvidia/mit"))
    assert recipe.input.color == ours.input.color
    assert recipe.input.mean == pytest.approx(ours.input.mean)
    assert recipe.input.std == pytest.approx(ours.input.std)
    if "glpn" in name:  # its files say nothing of a size
        assert "input.shape" in made.open
    elif "swin2sr" in name:
        assert recipe.input.shape == (1, 3, 64, 64), (
            "the patches that it was trained on; the recipe takes larger images"
        )
    else:
        assert recipe.input.shape == ours.input.shape
        assert not made.open


@pytest.mark.parametrize("hub_id", MORE)
def test_models_of_a_family_with_another_task_than_its_base_stand_alone(hub_id: str, tmp_path: Path) -> None:
    made, recipe = drafted(hf_folder(tmp_path, hub_id, 224, 224), tmp_path / "mine.yaml")
    assert recipe.model.task == next(row["task"] for row in family_table() if row["ids"].startswith(hub_id[:12]) and (
        hub_id.endswith("ade") == row["ids"].endswith("ade")))  # fmt: skip
    assert recipe.head.kind == ("argmax" if recipe.model.task == "semantic-segmentation" else "none")
    assert "base/segformer" not in made.text and "base/dpt" not in made.text


def test_these_are_models_of_every_family() -> None:
    sources = [*MORE, *(load(name, cwd=Path.cwd())[0].recipe.model.source for name in RECIPES)]
    for name, family in _table()["families"].items():
        for hub in family["hubs"]:
            assert any(re.fullmatch(hub["id"], source) for source in sources), (name, hub["shown"])
        assert (shipped("recipes") / "base" / f"{family['base']}.yaml").is_file()


def test_every_value_says_where_it_comes_from(tmp_path: Path) -> None:
    folder = hf_folder(tmp_path, "nvidia/segformer-b0-finetuned-ade-512-512", 512, 512)
    made, _ = drafted(folder, tmp_path / "mine.yaml")
    lines = made.text.splitlines()
    values = [line for line in lines if ": " in line and not line.startswith("#")]
    assert len(values) >= 8
    assert all("   # " in line for line in values), made.text
    assert any("mean: [123.675, 116.28, 103.53]" in line and "image_mean x 255" in line for line in values)
    assert made.as_json()["values"]["input.shape"] == {
        "value": [1, 3, 512, 512], "why": "height and width are in the model's name", "sure": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "color", "mean", "std"),
    [
        ({"do_rescale": False, "image_mean": [1, 2, 3], "image_std": [4, 5, 6]}, "RGB", [1, 2, 3], [4, 5, 6]),
        ({"rescale_factor": 0.5, "image_mean": [1, 2, 3], "image_std": [4, 5, 6]}, "RGB", [2, 4, 6], [8, 10, 12]),
        ({"do_normalize": False, **IMAGENET}, "RGB", [0, 0, 0], [255, 255, 255]),
        ({"do_normalize": True, "image_mean": 0.5, "image_std": 0.5}, "RGB", [127.5] * 3, [127.5] * 3),
        ({"do_flip_channel_order": True}, "BGR", [0, 0, 0], [255, 255, 255]),
        (
            {"do_flip_channel_order": False, "image_processor_type": "MobileViTImageProcessor"},
            "RGB",
            [0] * 3,
            [255] * 3,
        ),
    ],
)
def test_the_preprocessors_arithmetic(
    settings: dict[str, Any], color: str, mean: list[float], std: list[float], tmp_path: Path
) -> None:
    """(pixel * rescale - mean) / std, as transformers computes it, in units of 0..255."""
    folder = hf_folder(tmp_path, "google/vit-base-patch16-224", 224, 224)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    made, recipe = drafted(folder, tmp_path / "mine.yaml")
    assert (recipe.input.color, list(recipe.input.mean), list(recipe.input.std)) == (color, mean, std)
    assert recipe.input.shape == (1, 3, 224, 224)
    assert made.facts["input.shape"].why == "image_size in config.json"


def test_what_transformers_computes_is_what_the_recipe_says(tmp_path: Path) -> None:
    import numpy as np
    from transformers import SegformerImageProcessorPil

    folder = hf_folder(tmp_path, "nvidia/segformer-b0-finetuned-ade-512-512", 512, 512)
    _, recipe = drafted(folder, tmp_path / "mine.yaml")
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    theirs = SegformerImageProcessorPil.from_pretrained(folder)(pixels, return_tensors="np")["pixel_values"][0]
    ours = ((pixels - np.array(recipe.input.mean)) / np.array(recipe.input.std)).transpose(2, 0, 1)
    np.testing.assert_allclose(theirs, ours, atol=2e-6)


def test_without_a_preprocessor_config_the_usual_values_are_marked(tmp_path: Path) -> None:
    folder = hf_folder(tmp_path, "microsoft/swin-tiny-patch4-window7-224", 224, 224)
    (folder / "preprocessor_config.json").unlink()
    made, _ = drafted(folder, tmp_path / "mine.yaml")
    assert set(made.open) == {"input.color", "input.mean", "input.std"}
    assert made.text.count("look at this") == 3


def test_a_model_of_no_known_family_gets_all_that_a_recipe_needs(tmp_path: Path) -> None:
    folder = tmp_path / "levit"
    folder.mkdir()
    config = {"model_type": "levit", "architectures": ["LevitForImageClassification"], "image_size": 224}
    (folder / "config.json").write_text(json.dumps(config))
    made, recipe = drafted(folder, tmp_path / "mine.yaml")
    assert recipe.model.task == "image-classification" and recipe.head.kind == "none"
    assert any("--weights random" in note for note in made.notes)


@pytest.mark.parametrize(
    ("weights", "words"),
    [("model.safetensors", ""), ("pytorch_model.bin", "model.allow_pickle: true"), ("README.md", "--weights random")],
)
def test_weights_that_need_a_decision_are_told(weights: str, words: str, tmp_path: Path) -> None:
    folder = hf_folder(tmp_path, "nvidia/mit-b0", 224, 224)
    (folder / "model.safetensors").rename(folder / weights)
    made, recipe = drafted(folder, tmp_path / "mine.yaml")
    notes = [note for note in made.notes if "weights" in note]
    assert (words in notes[0]) if words else not notes
    assert not recipe.model.allow_pickle, "that is for the user to say"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "detr", "architectures": ["DetrForObjectDetection"]}, ["ObjectDetection", "--set model.task"]),
        ({"model_type": "bert", "architectures": ["BertModel"]}, ["BertModel", "recipes are for"]),
        ({"model_type": "vit"}, ["no architecture", "--set model.task"]),
        ({"model_type": "vit", "architectures": ["ViTModel"], "num_channels": 1}, ["1 channels", "colour"]),
    ],
)  # fmt: skip
def test_models_that_no_recipe_is_for_are_refused(config: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RecipeError) as caught:
        new(str(folder), tmp_path / "mine.yaml")
    assert all(word in caught.value.message + caught.value.remedy for word in words)
    assert not (tmp_path / "mine.yaml").exists()


def test_given_values_win_and_paths_are_told_from_the_recipe(
    tmp_path: Path, street_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = hf_folder(tmp_path, "nvidia/mit-b0", 224, 224)
    sets = [f"calibration.source={street_images.name}", "model.task=image-feature-extraction", "target.npu_mode=NPU1"]
    made, recipe = drafted(folder, tmp_path / "recipes" / "mine.yaml", sets=sets)
    assert recipe.model.task == "image-feature-extraction" and recipe.target.npu_mode == "NPU1"
    values = yaml.safe_load(made.text)
    assert values["calibration"]["source"] == "../streets" and values["model"]["source"] == "../mit-b0"
    assert recipe.calibration.path == str(street_images)
    with pytest.raises(RecipeError, match=r"--set target\.npu_mode=NPU9"):
        new(str(folder), tmp_path / "other.yaml", sets=["target.npu_mode=NPU9"])
    assert not (tmp_path / "other.yaml").exists()


def test_a_file_that_is_there_stays_as_it_is_unless_forced(tmp_path: Path) -> None:
    folder = hf_folder(tmp_path, "nvidia/mit-b0", 224, 224)
    target = tmp_path / "mine.yaml"
    target.write_text("mine")
    with pytest.raises(RecipeError, match="already exists") as caught:
        new(str(folder), target)
    assert "--force" in caught.value.remedy
    assert target.read_text() == "mine"
    drafted(folder, target, force=True)


def test_known_families_need_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    made = new("nvidia/segformer-b0-finetuned-cityscapes-640-1280", tmp_path / "mine.yaml", random=True)
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.input.shape == (1, 3, 640, 1280) and recipe.model.weights == "random"
    assert "19 classes" in made.text
    with pytest.raises(RecipeError, match="not of a known family"):
        new("somebody/something", random=True)


@pytest.mark.parametrize("rest", ["", "/", "/tree/main", "?library=transformers"])
def test_the_address_of_a_page_of_the_hub_is_the_model(rest: str) -> None:
    hub_id = "nvidia/segformer-b0-finetuned-cityscapes-640-1280"
    made = new(f"https://huggingface.co/{hub_id}{rest}", random=True)
    assert made.text == new(hub_id, random=True).text


@pytest.mark.parametrize("source", ["./nowhere", "nowhere.onnx", "/nowhere/at/all", "a/b/c", "weights.safetensors"])
def test_what_is_not_there_is_told_without_asking_the_hub(source: str) -> None:
    with pytest.raises(RecipeError) as caught:
        new(source)
    assert not isinstance(caught.value, MissingError) and caught.value.remedy


def test_a_model_of_one_class_is_drafted_with_a_threshold(tmp_path: Path) -> None:
    folder = hf_folder(tmp_path, "nvidia/segformer-b0-finetuned-ade-512-512", 512, 512)
    config = json.loads((folder / "config.json").read_text()) | {"id2label": {"0": "crack"}}
    (folder / "config.json").write_text(json.dumps(config))
    made = new(str(folder), tmp_path / "crack.yaml")
    assert made.facts["head.kind"].value == "threshold"
    recipe = load(str(tmp_path / "crack.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.head.model_dump() == {"kind": "threshold", "threshold": 0.5, "output": "mask"}


def test_an_adapter_alone_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "adapter_config.json").write_text("{}")
    with pytest.raises(RecipeError, match=r"is an adapter \(LoRA\), not a whole model") as caught:
        new(str(tmp_path / "lora"), tmp_path / "mine.yaml")
    assert "model.adapter=" in caught.value.remedy
