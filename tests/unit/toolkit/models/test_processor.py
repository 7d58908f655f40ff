"""The preprocessing that a model came with, against the recipe's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.models.processor import disagreements, normalization, own_processor

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
SEGFORMER = {
    "image_processor_type": "SegformerImageProcessor",
    "do_resize": True,
    "size": {"height": 64, "width": 128},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def folder(path: Path, **changes: Any) -> Path:
    path.mkdir(exist_ok=True)
    (path / "preprocessor_config.json").write_text(json.dumps(SEGFORMER | changes))
    return path


def spec(**changes: Any) -> ImageSpec:
    return ImageSpec(**({"shape": (1, 3, 64, 128), "mean": MEAN, "std": STD} | changes))


def notes(path: Path, **changes: Any) -> list[str]:
    own = own_processor(path)
    assert own is not None
    settings = normalization(own)
    assert settings is not None
    return disagreements(settings, spec(**changes))


def test_a_recipe_that_says_the_same_gives_the_same_pixels_and_no_warning(tmp_path: Path) -> None:
    own = own_processor(folder(tmp_path))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 150, 3), dtype=np.uint8))
    assert own is not None
    np.testing.assert_allclose(own.prepare(image), preprocess(image, spec()), rtol=0, atol=1e-6)
    assert notes(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean": (120, 116.28, 103.53)}, ["input.mean is [120, 116.28, 103.53]", "gives [123.675, 116.28, 103.53]"]),
        ({"std": (60, 57.12, 57.375)}, ["input.std is [60, 57.12, 57.375]", "gives [58.395, 57.12, 57.375]"]),
        ({"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}, ["input.mean is [0.485", "units of 0..255"]),
        ({"color": "BGR", "mean": MEAN[::-1], "std": STD[::-1]}, ["input.color is BGR", "red and blue are exchanged"]),
        ({"mean": MEAN[::-1]}, ["input.mean is [103.53, 116.28, 123.675]", "red and blue are exchanged"]),
    ],
)
def test_what_differs_is_told_by_name_and_value(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    text = "\n".join(notes(folder(tmp_path), **changes))
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    "config",
    [
        {"do_rescale": False, "image_mean": list(MEAN), "image_std": list(STD)},
        {"image_processor_type": "BitImageProcessor", "crop_size": {"height": 224, "width": 224},
         "do_center_crop": True, "size": {"shortest_edge": 256}},
        {"image_processor_type": "ViTImageProcessor"},
        {"image_processor_type": "DPTImageProcessor", "keep_aspect_ratio": True, "ensure_multiple_of": 14},
    ],
    ids=["no-rescale", "bit", "vit", "dpt"],
)  # fmt: skip
def test_the_same_normalization_is_found_however_it_is_written(tmp_path: Path, config: dict[str, Any]) -> None:
    assert notes(folder(tmp_path, **config)) == []


def test_channels_that_are_flipped_and_not_normalized(tmp_path: Path) -> None:
    config = {
        "image_processor_type": "MobileViTImageProcessor",
        "do_flip_channel_order": True,
        "size": {"shortest_edge": 64},
    }
    path = folder(tmp_path, **config)
    assert notes(path, color="BGR", mean=(0, 0, 0), std=(255, 255, 255)) == []
    assert "input.color is RGB" in notes(path, mean=(0, 0, 0), std=(255, 255, 255))[0]


def test_without_a_file_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert own_processor(tmp_path) is None


def test_the_part_of_a_processor_config_is_read(tmp_path: Path) -> None:
    """transformers 5 saves a CLIPProcessor as this one file."""
    clip = SEGFORMER | {"image_processor_type": "CLIPImageProcessor", "image_mean": [0.5, 0.5, 0.5]}
    whole = {"image_processor": clip, "processor_class": "CLIPProcessor"}
    (tmp_path / "processor_config.json").write_text(json.dumps(whole))
    assert notes(tmp_path) == [
        "input.mean is [123.675, 116.28, 103.53], and processor_config.json gives [127.5, 127.5, 127.5]"
    ]


def test_a_processor_config_without_images_leaves_the_other_file(tmp_path: Path) -> None:
    (tmp_path / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
    assert own_processor(tmp_path) is None
    own = own_processor(folder(tmp_path))
    assert own is not None and own.file == "preprocessor_config.json"


def test_a_file_that_transformers_cannot_use_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "NobodysProcessor"}')
    with pytest.raises(StepError, match=r"preprocessor_config\.json cannot be used") as caught:
        own_processor(tmp_path)
    assert "\n" not in caught.value.message
