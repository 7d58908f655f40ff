"""LoRA adapters, written as peft writes them, merged into a model's weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import RecipeError, StepError
from recipebuild.steps import fetch
from recipebuild.toolkit.models.adapter import check_adapter, merged
from recipebuild.toolkit.models.load import load

PLAIN = {"peft_type": "LORA", "r": 2, "lora_alpha": 6, "base_model_name_or_path": "somebody/net"}


def adapter(folder: Path, tensors: dict[str, Any], **config: Any) -> Path:
    from safetensors.torch import save_file

    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({**PLAIN, **config}))
    save_file(
        {f"base_model.model.{name}": tensor for name, tensor in tensors.items()}, folder / "adapter_model.safetensors"
    )
    return folder


def pair(module: str, rows: int, columns: int, rank: int = 2) -> dict[str, Any]:
    import torch

    generator = torch.Generator().manual_seed(rows)
    return {
        f"{module}.lora_A.weight": torch.randn(rank, columns, generator=generator),
        f"{module}.lora_B.weight": torch.randn(rows, rank, generator=generator),
    }


def test_a_linear_layer_gives_what_the_two_paths_give() -> None:
    import torch

    weight, x = torch.randn(4, 3), torch.randn(5, 3)
    parts = {f"base_model.model.{name}": part for name, part in pair("net.query", 4, 3).items()}
    weights = {"net.query.weight": weight.clone()}
    assert merged(weights, parts, PLAIN) == 1
    a, b = parts.values()
    torch.testing.assert_close(x @ weights["net.query.weight"].T, x @ weight.T + 6 / 2 * (x @ a.T @ b.T))


@pytest.mark.parametrize(
    ("config", "scale"),
    [({}, 3.0), ({"use_rslora": True}, 6 / 2**0.5), ({"alpha_pattern": {"query": 8}}, 4.0)],
)
def test_the_scale_is_that_of_the_paper(config: dict[str, Any], scale: float) -> None:
    import torch

    weights = {"net.query.weight": torch.zeros(1, 1)}
    parts = {"net.query.lora_A.weight": torch.ones(2, 1), "net.query.lora_B.weight": torch.ones(1, 2)}
    merged(weights, parts, {**PLAIN, **config})
    assert weights["net.query.weight"].item() == pytest.approx(2 * scale)


def test_a_convolution_gives_what_the_two_paths_give() -> None:
    import torch
    from torch.nn.functional import conv2d

    weight, image = torch.randn(4, 3, 3, 3), torch.randn(1, 3, 8, 8)
    a, b = torch.randn(2, 3, 3, 3), torch.randn(4, 2, 1, 1)
    weights = {"conv.weight": weight.clone()}
    merged(weights, {"conv.lora_A.weight": a, "conv.lora_B.weight": b}, PLAIN)
    expected = conv2d(image, weight) + 3 * conv2d(conv2d(image, a), b)
    torch.testing.assert_close(conv2d(image, weights["conv.weight"]), expected, rtol=1e-4, atol=1e-4)


def test_modules_that_were_trained_as_a_whole_take_the_models_place() -> None:
    import torch

    weights = {"encoder.bias": torch.zeros(2)}
    parts = {
        "base_model.model.vit.encoder.bias": torch.ones(2),
        "base_model.model.head.modules_to_save.weight": torch.ones(3),
    }
    assert merged(weights, parts, PLAIN) == 2
    assert {name: tensor.tolist() for name, tensor in weights.items()} == {
        "encoder.bias": [1, 1],
        "head.weight": [1] * 3,
    }


def test_fetch_merges_and_the_model_computes_with_it(tiny_segformer: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    before = load_file(tiny_segformer / "model.safetensors")
    name = next(key for key in before if key.endswith("query.weight"))
    rows, columns = before[name].shape
    parts = pair(name.removesuffix(".weight"), rows, columns)
    inputs = {"source": tiny_segformer, "adapter": adapter(tmp_path / "lora", parts)}
    (tmp_path / "out").mkdir()
    fetch.run(inputs, fetch.Params(), tmp_path / "out", lambda fraction, text="": None)
    after = load_file(tmp_path / "out/model/model.safetensors")
    assert {key for key in after if not torch.equal(after[key], before[key])} == {name}
    image = torch.rand(1, 3, 64, 96)
    how: dict[str, Any] = {"task": "semantic-segmentation", "weights": "pretrained", "seed": 0}
    with torch.no_grad():
        plain, changed = (load(folder, **how)(image) for folder in (tiny_segformer, tmp_path / "out/model"))
    assert not torch.allclose(plain, changed)


def test_a_config_beside_the_adapter_goes_before_the_models(tiny_segformer: Path, tmp_path: Path) -> None:
    import torch

    folder = adapter(tmp_path / "lora", {"decode_head.classifier.bias": torch.zeros(3)})
    config = {**json.loads((tiny_segformer / "config.json").read_text()), "remark": "mine"}
    (folder / "config.json").write_text(json.dumps(config))
    (tmp_path / "out").mkdir()
    inputs = {"source": tiny_segformer, "adapter": folder}
    fetch.run(inputs, fetch.Params(), tmp_path / "out", lambda fraction, text="": None)
    assert json.loads((tmp_path / "out/model/config.json").read_text())["remark"] == "mine"


@pytest.mark.parametrize(
    ("config", "reason"),
    [({"use_dora": True}, "LoRA with use_dora, not plain LoRA"), ({"peft_type": "IA3"}, "the adapter is IA3")],
)
def test_other_adapters_are_refused(config: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(StepError, match=reason) as caught:
        check_adapter(adapter(tmp_path / "lora", pair("a", 1, 1), **config))
    assert "merge_and_unload" in caught.value.remedy


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (pair("gone", 2, 2), "changes gone, which the model does not have"),
        (pair("here", 3, 2), r"the adapter's here is \[3, 2\], and the model's \[2, 2\]"),
        ({"here.lora_embedding_A": None}, "which is not of a linear layer"),
        ({}, "no tensors"),
    ],
)
def test_adapters_of_another_model_are_refused(parts: dict[str, Any], reason: str) -> None:
    import torch

    with pytest.raises(StepError, match=reason):
        merged({"here.weight": torch.zeros(2, 2)}, parts, PLAIN)


def test_what_has_no_trained_weights_takes_no_adapter(tiny_segformer: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tiny_segformer, tmp_path / "source"))
    (tmp_path / "out").mkdir()
    inputs = {"source": source, "adapter": adapter(tmp_path / "lora", pair("a", 1, 1))}
    with pytest.raises(RecipeError, match=r"model\.adapter: an adapter changes trained weights, and these are random"):
        fetch.run(inputs, fetch.Params(weights="random"), tmp_path / "out", lambda fraction, text="": None)


def test_the_names_of_the_model_will_do_where_files_have_older_ones(tmp_path: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    model = ViTForImageClassification(ViTConfig(**small, image_size=32, patch_size=16, num_labels=3)).eval()
    model.save_pretrained(tmp_path / "base")
    layers = {name: part for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    module = next(name for name in layers if name.endswith(("q_proj", "query")))
    parts = pair(module, 8, 8)
    inputs = {"source": tmp_path / "base", "adapter": adapter(tmp_path / "lora", parts)}
    (tmp_path / "out").mkdir()
    fetch.run(inputs, fetch.Params(), tmp_path / "out", lambda fraction, text="": None)
    a, b = parts.values()
    with torch.no_grad():
        layers[module].weight += 3 * b @ a
        image = torch.rand(1, 3, 32, 32)
        changed = load(tmp_path / "out/model", task="image-classification", weights="pretrained", seed=0)
        torch.testing.assert_close(changed(image), model(image).logits)
