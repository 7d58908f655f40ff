"""Checkpoints of SegFormer's authors: the same weights under other names give the same logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.authors import SIZES, renamed, saved, segmentation_checkpoint
from transformers import (
    AutoModelForImageClassification,
    AutoModelForSemanticSegmentation,
    SegformerConfig,
    SegformerForImageClassification,
)

from recipebuild.errors import StepError
from recipebuild.toolkit.models.original_segformer import read


def test_a_segmentation_checkpoint_gives_the_logits_of_the_model(tmp_path: Path) -> None:
    path, model = segmentation_checkpoint(tmp_path)
    config, tensors = read(path)
    assert config["id2label"] == {"0": "road", "1": "sky", "2": "car"}
    assert config["depths"] == [2, 1, 1, 1] and config["sr_ratios"] == [8, 4, 2, 1]
    again = reloaded(AutoModelForSemanticSegmentation, config, tensors, tmp_path / "again")
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(picture).logits, model(picture).logits)


def test_a_backbone_with_a_classifier_is_a_classifier(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SegformerForImageClassification(SegformerConfig(**SIZES)).eval()
    torch.save(renamed(saved(model, tmp_path / "ours"), ""), tmp_path / "mit_b0.pth")
    config, tensors = read(tmp_path / "mit_b0.pth")
    assert config["architectures"] == ["SegformerForImageClassification"] and "decoder_hidden_size" not in config
    again = reloaded(AutoModelForImageClassification, config, tensors, tmp_path / "again")
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(picture).logits, model(picture).logits)


def reloaded(kind: Any, config: dict[str, Any], tensors: dict[str, torch.Tensor], folder: Path) -> Any:
    """The model that transformers makes of a config and weights, with nothing left over or missing."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model, loading = kind.from_pretrained(folder, output_loading_info=True)
    assert not any(loading[word] for word in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model.eval()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"backbone.layers.0.0.projection.weight": torch.zeros(1)}, "other names"),
        ({"patch_embed1.proj.weight": torch.zeros(8, 3, 7, 7)}, "a backbone alone"),
        (
            {"backbone.patch_embed1.proj.weight": torch.zeros(8), "decode_head.convs.0.conv.weight": torch.zeros(1)},
            "a BatchNorm and a ReLU at each level",
        ),
        ([1, 2], "no state_dict"),
        ({"state_dict": {"a": 1}}, "no state_dict"),
        ({"state_dict": Path("x")}, "cannot be read as plain tensors"),
    ],
)
def test_what_is_no_such_checkpoint_is_told(tmp_path: Path, content: Any, words: str) -> None:
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(StepError, match=words) as caught:
        read(tmp_path / "net.pth")
    assert caught.value.field == "model.source" and caught.value.remedy


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(StepError, match="cannot be read"):
        read(tmp_path / "net.pth")
