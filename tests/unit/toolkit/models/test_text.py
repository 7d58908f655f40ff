"""Embeddings of texts that are filled up, against what transformers gives for the text alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.text_models import bert, clip
from transformers import AutoModel, AutoTokenizer, CLIPTextModelWithProjection

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.texts import open_tokenizer, tokenize
from recipebuild.toolkit.models.run import Weights, torch_runner

TEXTS = ("a cat", "the old dog runs on the street")
BOTH = ("input_ids", "attention_mask")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    return {"bert": bert(place / "bert"), "clip": clip(place / "clip")}


def embeddings(folder: Path, names: tuple[str, ...], **more: Any) -> list[Any]:
    run = torch_runner(folder, Weights(task="feature-extraction", tokens=names, **more))
    samples = tokenize(open_tokenizer(folder), TEXTS, length=32, names=names).samples
    return [torch.from_numpy(run(sample)[0]) for sample in samples]


def alone(model: Any, folder: Path) -> list[Any]:
    """The answers of transformers' own model, for each text without anything behind it."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        return [model(**tokenizer(text, return_tensors="pt")) for text in TEXTS]


def test_what_fills_a_text_up_changes_nothing(folders: dict[str, Path]) -> None:
    outputs = alone(AutoModel.from_pretrained(folders["bert"]).eval(), folders["bert"])
    for got, right in zip(embeddings(folders["bert"], BOTH), outputs, strict=True):
        torch.testing.assert_close(got, right.last_hidden_state.mean(1), rtol=1e-5, atol=1e-5)
    for got, right in zip(embeddings(folders["bert"], BOTH, features="cls"), outputs, strict=True):
        torch.testing.assert_close(got, right.last_hidden_state[:, 0], rtol=1e-5, atol=1e-5)
    for got, right in zip(
        embeddings(folders["bert"], (*BOTH, "token_type_ids"), features="pooled", normalize=True), outputs, strict=True
    ):
        unit = torch.nn.functional.normalize(right.pooler_output, dim=-1)
        torch.testing.assert_close(got, unit, rtol=1e-5, atol=1e-5)


def test_a_text_tower_gives_what_is_compared_with_images(folders: dict[str, Path]) -> None:
    outputs = alone(CLIPTextModelWithProjection.from_pretrained(folders["clip"]).eval(), folders["clip"])
    for got, right in zip(embeddings(folders["clip"], ("input_ids",)), outputs, strict=True):
        assert got.shape == (1, 16)
        torch.testing.assert_close(got, right.text_embeds, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "names", "more", "words"),
    [
        ("clip", ("input_ids", "token_type_ids"), {}, "takes no token_type_ids"),
        ("clip", BOTH, {}, "attention_mask changes nothing"),
    ],
)
def test_what_a_model_does_not_look_at_is_an_error(
    folders: dict[str, Path], name: str, names: tuple[str, ...], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(StepError, match=words) as caught:
        torch_runner(folders[name], Weights(task="feature-extraction", tokens=names, **more))
    assert (caught.value.field, caught.value.remedy) == ("inputs", "names: [input_ids]")


def test_a_model_of_images_is_no_encoder_of_text(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "segformer"}', encoding="utf-8")
    with pytest.raises(StepError, match="no encoder of text") as caught:
        torch_runner(tmp_path, Weights(task="feature-extraction", weights="random", tokens=("input_ids",)))
    assert caught.value.field == "model.task"
