"""The family table: right numbers, and configs that transformers builds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recipebuild.toolkit.models.families import config_for, known_ids

B0_CITYSCAPES = "nvidia/segformer-b0-finetuned-cityscapes-640-1280"


@pytest.mark.parametrize(
    ("hub_id", "parameters"),
    [
        # Millions of parameters as the SegFormer paper has them, table 1 (ADE20K, 150 classes).
        ("nvidia/segformer-b0-finetuned-ade-512-512", 3.8),
        ("nvidia/segformer-b1-finetuned-ade-512-512", 13.7),
        ("nvidia/segformer-b2-finetuned-ade-512-512", 27.5),
        ("nvidia/segformer-b3-finetuned-ade-512-512", 47.3),
        ("nvidia/segformer-b4-finetuned-ade-512-512", 64.1),
        ("nvidia/segformer-b5-finetuned-ade-640-640", 84.7),
    ],
)
def test_sizes_have_the_papers_parameter_counts(hub_id: str, parameters: float, tmp_path: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForSemanticSegmentation

    (tmp_path / "config.json").write_text(json.dumps(config_for(hub_id)))
    config = AutoConfig.from_pretrained(tmp_path)
    with torch.device("meta"):
        model = AutoModelForSemanticSegmentation.from_config(config)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(parameters, abs=0.06)


@pytest.mark.parametrize(
    ("hub_id", "labels"),
    [(B0_CITYSCAPES, 19), ("nvidia/segformer-b3-finetuned-ade-512-512", 150), ("nvidia/mit-b0", 1000)],
)
def test_the_hub_id_says_how_many_labels(hub_id: str, labels: int, tmp_path: Path) -> None:
    from transformers import AutoConfig

    (tmp_path / "config.json").write_text(json.dumps(config_for(hub_id)))
    assert AutoConfig.from_pretrained(tmp_path).num_labels == labels


def test_cityscapes_labels_are_the_train_ids() -> None:
    config = config_for(B0_CITYSCAPES)
    assert config is not None
    assert config["id2label"]["0"] == "road"
    assert config["id2label"]["13"] == "car"
    assert config["id2label"]["18"] == "bicycle"
    assert config["label2id"]["sky"] == 10


@pytest.mark.parametrize(
    "hub_id",
    [
        "nvidia/segformer-b6-finetuned-ade-512-512",
        "somebody/segformer-b0-finetuned-cityscapes-640-1280",
        "nvidia/segformer-b0-finetuned-cityscapes-640-1280-v2",
        "nvidia/segformer-b0-finetuned-coco-512-512",
        "facebook/dinov2-tiny",
        "",
    ],
)
def test_other_ids_are_of_no_known_family(hub_id: str) -> None:
    assert config_for(hub_id) is None


def test_known_ids_are_for_people() -> None:
    assert any("segformer" in line and "cityscapes" in line for line in known_ids())
    assert "nvidia/mit-b0..b5" in known_ids()
