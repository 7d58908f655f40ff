"""Texts as tokens, by a tokenizer that was made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.text_models import WORDS, bert

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.texts import open_tokenizer, read_texts, standalone, tokenize

NAMES = ("input_ids", "attention_mask")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert(tmp_path_factory.mktemp("text") / "bert")


def test_a_text_is_filled_up_and_a_longer_one_is_cut_and_counted(model: Path) -> None:
    tokens = tokenize(open_tokenizer(model), ["a cat", "the old dog runs"], length=5, names=(*NAMES, "token_type_ids"))
    number = {word: at for at, word in enumerate(WORDS, 5)}  # behind [PAD], [UNK], [CLS] 2, [SEP] 3, [MASK]
    first, second = tokens.samples
    assert first["input_ids"].tolist() == [[2, number["a"], number["cat"], 3, 0]]
    assert first["attention_mask"].tolist() == [[1, 1, 1, 1, 0]]
    assert first["token_type_ids"].tolist() == [[0] * 5]
    assert second["input_ids"].tolist() == [[2, number["the"], number["old"], number["dog"], 3]]
    assert tokens.cut == 1
    assert {values.dtype.name for sample in tokens.samples for values in sample.values()} == {"int32"}


def test_the_tokenizer_that_goes_alone_makes_the_same(model: Path) -> None:
    from tokenizers import Tokenizer

    texts = ["a cat", "the old dog runs on the street"]
    made = standalone(open_tokenizer(model), 6)
    assert made is not None
    alone = Tokenizer.from_str(made).encode_batch(texts)
    for one, right in zip(alone, tokenize(open_tokenizer(model), texts, length=6, names=NAMES).samples, strict=True):
        assert [one.ids] == right["input_ids"].tolist() and [one.attention_mask] == right["attention_mask"].tolist()


def test_a_file_has_a_text_a_line_or_objects_with_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a cat\n\n  the dog \n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"text": "a cat", "id": 1}\n\n{"text": "the dog"}\n', encoding="utf-8")
    for name in ("a.txt", "a.jsonl"):
        assert read_texts(tmp_path / name, "inputs") == ["a cat", "the dog"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"\n  \n", "has no text"),
        ("a.txt", b"caf\xe9\n", "utf-8"),
        ("a.jsonl", b'{"text": "a"}\n{"sentence": "b"}\n', "line 2 has no field text"),
        ("a.jsonl", b"a cat\n", "a.jsonl"),
    ],
)
def test_a_file_without_texts_is_an_error_of_its_field(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StepError) as caught:
        read_texts(tmp_path / name, "evaluate.dataset")
    assert words in str(caught.value) and caught.value.field == "evaluate.dataset" and caught.value.remedy


def test_a_model_without_a_tokenizer_is_an_error(model: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((model / name).read_bytes())
    with pytest.raises(StepError) as caught:
        open_tokenizer(tmp_path)
    assert "no tokenizer" in str(caught.value) and "tokenizer.json" in (caught.value.remedy or "")


def test_a_name_that_the_tokenizer_does_not_give_is_an_error(model: Path) -> None:
    with pytest.raises(StepError, match="gives no pixel_values") as caught:
        tokenize(open_tokenizer(model), ["a"], length=5, names=("pixel_values",))
    assert caught.value.field == "inputs"
