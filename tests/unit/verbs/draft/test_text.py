"""Recipes that are drafted for models of text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import RecipeError
from recipebuild.recipe.load import load
from recipebuild.verbs.new import new

BERT = {"model_type": "bert", "vocab_size": 30, "max_position_embeddings": 512}
TOWER = {"model_type": "clip_text_model", "vocab_size": 30, "max_position_embeddings": 77}
CLIP = {"model_type": "clip", "vision_config": {"num_channels": 3}, "text_config": {"max_position_embeddings": 77}}


def folder_of(tmp_path: Path, config: dict[str, Any], architecture: str) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**config, "architectures": [architecture]}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("config", "architecture", "features", "names", "length", "looked_at"),
    [
        (BERT, "BertModel", "mean", ["input_ids", "attention_mask"], 128, {"model.features", "inputs"}),
        (BERT, "BertForMaskedLM", "mean", ["input_ids", "attention_mask"], 128, {"model.features", "inputs"}),
        (TOWER, "CLIPTextModelWithProjection", "pooled", ["input_ids"], 77, set()),
    ],
)
def test_a_model_of_text_is_known_by_its_files(
    tmp_path: Path, config: dict[str, Any], architecture: str, features: str, names: list[str], length: int,
    looked_at: set[str],
) -> None:  # fmt: skip
    folder = folder_of(tmp_path, config, architecture)
    texts = tmp_path / "texts.txt"
    texts.write_text("a cat\n", encoding="utf-8")
    made = new(str(folder), tmp_path / "mine.yaml", sets=[f"calibration.source={texts}"])
    assert (made.facts["model.task"].value, made.facts["model.features"].value) == ("feature-extraction", features)
    assert set(made.open) == looked_at
    (variant,) = load("mine.yaml", cwd=tmp_path)
    tokens = variant.recipe.tokens
    assert tokens is not None
    assert (list(tokens.names), tokens.length, tokens.source) == (names, length, str(texts))


def test_without_texts_the_draft_says_where_they_go(tmp_path: Path) -> None:
    made = new(str(folder_of(tmp_path, BERT, "BertModel")), tmp_path / "mine.yaml")
    assert "inputs" in made.open and "source: ./calibration/texts.txt" in made.text
    assert any("no texts were named" in note for note in made.notes)


def test_the_text_tower_of_a_model_of_both_is_asked_for_by_its_task(tmp_path: Path) -> None:
    folder = str(folder_of(tmp_path, CLIP, "CLIPModel"))
    assert new(folder).facts["model.task"].value == "image-feature-extraction"
    made = new(folder, sets=["model.task=feature-extraction"])
    assert made.facts["inputs"].value == [
        {"kind": "tokens", "names": ["input_ids"], "length": 77, "source": "./calibration/texts.txt"}
    ]


@pytest.mark.parametrize(
    ("more", "architecture"),
    [({"is_decoder": True}, "BertModel"), ({"is_encoder_decoder": True}, "T5Model"), ({}, "GPT2LMHeadModel")],
)
def test_a_decoder_is_no_encoder_of_text(tmp_path: Path, more: dict[str, Any], architecture: str) -> None:
    folder = folder_of(tmp_path, {**BERT, **more}, architecture)
    with pytest.raises(RecipeError, match="the task of the model is unknown"):
        new(str(folder))


@pytest.mark.parametrize(
    ("modes", "features", "sure"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls", True),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True, "include_prompt": True}, "mean", True),
        ({"pooling_mode_cls_token": False, "pooling_mode_max_tokens": True}, "mean", False),
        ({}, "mean", False),
    ],
    ids=["cls", "mean", "max", "nothing"],
)
def test_sentence_transformers_pooling_is_read(
    tmp_path: Path, modes: dict[str, bool], features: str, sure: bool
) -> None:
    folder = folder_of(tmp_path, BERT, "BertModel")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **modes}))
    made = new(str(folder), tmp_path / "mine.yaml")
    assert made.facts["model.features"].value == features and ("model.features" not in made.open) == sure
    assert "model.normalize" not in made.facts
    (folder / "2_Normalize").mkdir()
    assert new(str(folder), tmp_path / "mine.yaml", force=True).facts["model.normalize"].value is True
