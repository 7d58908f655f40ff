"""Runs without arithmetic leave nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipebuild.toolkit.models.load import load
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
