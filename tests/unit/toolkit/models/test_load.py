"""Model folders as modules: right numbers, untouched random state, and plain words for what does not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.models.load import load

HOW: dict[str, Any] = {"task": "semantic-segmentation", "weights": "pretrained", "seed": 0}


@pytest.fixture
def folder(tiny_segformer: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny_segformer, tmp_path / "model"))


def change(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def parameters(module: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_module_gives_the_models_logits(attention: str, tiny_segformer: Path) -> None:
    import torch
    from transformers import SegformerForSemanticSegmentation

    image = torch.rand(1, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    module = load(tiny_segformer, **HOW, attention=attention)
    with torch.no_grad():
        expected = SegformerForSemanticSegmentation.from_pretrained(tiny_segformer).eval()(pixel_values=image).logits
        logits = module(image)
    assert logits.shape == (1, 19, 16, 32)
    torch.testing.assert_close(logits, expected)
    assert not any(part.training for part in module.modules())


def test_random_weights_come_from_the_seed_alone(tiny_segformer: Path, folder: Path) -> None:
    import torch

    (folder / "model.safetensors").unlink()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    random = {**HOW, "weights": "random"}
    first = parameters(load(tiny_segformer, **random))
    torch.rand(3)
    again = parameters(load(folder, **random))
    other = parameters(load(folder, **{**random, "seed": 1}))
    torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_global_random_state_is_not_touched(tiny_segformer: Path) -> None:
    import torch

    before = torch.get_rng_state()
    load(tiny_segformer, **{**HOW, "weights": "random"})
    assert torch.equal(torch.get_rng_state(), before)


def test_half_precision_weights_are_taken_as_float32(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    weights = folder / "model.safetensors"
    halves = {name: t.half() if t.is_floating_point() else t for name, t in load_file(weights).items()}
    save_file(halves, weights, metadata={"format": "pt"})
    change(folder, dtype="float16")
    assert load(folder, **HOW)(torch.zeros(1, 3, 64, 64)).dtype == torch.float32


def test_pickled_weights_are_read_as_tensors_only(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "sprung",)

    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert load(folder, **HOW)(torch.zeros(1, 3, 64, 64)).shape == (1, 19, 16, 16)
    torch.save({**tensors, "trap": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(StepError, match="the weights cannot be loaded") as caught:
        load(folder, **HOW)
    assert "model.safetensors" in caught.value.remedy
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("config", "how", "message"),
    [
        ({}, {"task": "depth-estimation"}, "model.task: a segformer model cannot do depth-estimation"),
        (
            {"model_type": "vit", "num_attention_heads": 2},
            {},
            "model.task: a vit model cannot do semantic-segmentation",
        ),
        ({"model_type": "nosuchnet"}, {}, "model.source: its config.json has the model_type nosuchnet"),
        (
            {"model_type": "bert", "num_attention_heads": 2},
            {},
            "model.task: a bert model cannot do semantic-segmentation",
        ),
        (
            {"model_type": "bert", "num_attention_heads": 2},
            {"task": "image-feature-extraction"},
            "model.task: a bert model cannot do image",
        ),
        ({"hidden_sizes": "wide"}, {}, "model.source: transformers cannot use its config.json"),
        ({"hidden_sizes": [8]}, {"weights": "random"}, "model.source: no model can be built from its config.json"),
        ({"depths": [2, 1, 1, 1]}, {}, r"model.source: the weights lack segformer\..* and \d+ more"),
        ({"depths": [1, 1, 1, 0]}, {}, "model.source: the architecture has no place for segformer"),
        ({"decoder_hidden_size": 16}, {}, "another shape than the architecture for decode_head"),
        (
            {"model_type": "x", "auto_map": {"AutoConfig": "code.Config"}},
            {},
            "model.source: its config.json has the model_type x, which transformers .* does not know",
        ),
    ],
)
def test_what_does_not_fit_is_named(config: dict[str, Any], how: dict[str, Any], message: str, folder: Path) -> None:
    change(folder, **config)
    (folder / "code.py").write_text("raise SystemExit('code of the model was run')")
    with pytest.raises(StepError, match=message) as caught:
        load(folder, **{**HOW, **how})
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 320
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("config", "how", "remedy"),
    [
        ({"model_type": "segfromer"}, {}, "did you mean segformer?"),
        ({"model_type": "bert", "num_attention_heads": 2}, {}, "it takes no images"),
        ({}, {"task": "depth-estimation"}, "it can do semantic-segmentation, image-classification, image-feature"),
    ],
)
def test_the_way_out_fits_the_model(config: dict[str, Any], how: dict[str, Any], remedy: str, folder: Path) -> None:
    change(folder, **config)
    with pytest.raises(StepError) as caught:
        load(folder, **{**HOW, **how})
    assert remedy in caught.value.remedy


def test_weights_for_another_task_are_refused(tiny_segformer: Path, tmp_path: Path) -> None:
    from transformers import SegformerConfig, SegformerForImageClassification

    config = SegformerConfig.from_pretrained(tiny_segformer)
    SegformerForImageClassification(config).save_pretrained(tmp_path / "classifier")
    with pytest.raises(StepError, match="the weights lack decode_head"):
        load(tmp_path / "classifier", **HOW)
