"""Runs without arithmetic leave nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recipebuild.toolkit.models.load import load
from recipebuild.toolkit.models.run import Weights, torch_runner
from recipebuild.toolkit.models.trial import try_out

SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
RESNET = {"model_type": "resnet", "hidden_sizes": [8], "depths": [1], "embedding_size": 8, "out_features": ["stage1"]}
CONFIGS: dict[str, dict[str, Any]] = {
    "dinov3_vit": {"image_size": 32, "patch_size": 16, **SMALL},
    "detr": {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "num_queries": 8, "use_timm_backbone": False,
             "backbone": None, "backbone_config": RESNET},
}  # fmt: skip


@pytest.mark.parametrize("kind", CONFIGS)
def test_positions_of_the_trial_are_not_those_of_the_next_run(kind: str, tmp_path: Path) -> None:
    import torch

    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **CONFIGS[kind]}))
    module = load(tmp_path, task="image-feature-extraction", weights="random", seed=0, features="tokens")
    try_out(module, (1, 3, 32, 48))
    with torch.no_grad():
        assert type(module(torch.rand(1, 3, 32, 48))) is torch.Tensor


def test_what_a_part_keeps_for_the_next_call_is_not_that_of_the_trial(tmp_path: Path) -> None:
    import torch

    sizes = {"hidden_sizes": [16, 24, 32], "num_attention_heads": [1, 2, 2], "depths": [1, 1, 1], "key_dim": [8, 8, 8]}
    config = {"architectures": ["LevitForImageClassification"], "image_size": 64, **sizes}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "levit", **config}))
    module = load(tmp_path, task="image-classification", weights="random", seed=0)
    try_out(module, (1, 3, 64, 64))
    with torch.no_grad():
        assert type(module(torch.rand(1, 3, 64, 64))) is torch.Tensor


@pytest.mark.parametrize("shared", [False, True])
def test_the_positions_of_a_tried_beit_do_not_end_up_in_the_next_one(shared: bool, tmp_path: Path) -> None:
    """transformers keeps a table for all models of a process: it must not be a tensor without data."""
    from transformers import BeitConfig, BeitForSemanticSegmentation

    size = 96 if shared else 64
    config = BeitConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=37, image_size=size,
        patch_size=16, out_indices=[1, 2, 3, 4], pool_scales=[1, 2], num_labels=5,
        use_relative_position_bias=not shared, use_shared_relative_position_bias=shared,
    )  # fmt: skip
    BeitForSemanticSegmentation(config).save_pretrained(tmp_path)
    tried = load(tmp_path, task="semantic-segmentation", weights="pretrained", seed=0)
    try_out(tried, (1, 3, size, size))
    (logits,) = torch_runner(tmp_path, Weights())(np.zeros((1, 3, size, size), np.float32))
    assert logits.shape[:2] == (1, 5) and np.isfinite(logits).all()
