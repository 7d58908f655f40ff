"""Texts as the tokens that a model takes, by the tokenizer that the model came with.

    tokenizer = open_tokenizer(model_folder)
    tokens = tokenize(tokenizer, read_texts(Path("texts.txt")), length=64, names=("input_ids", "attention_mask"))
    tokens.samples[0]["input_ids"]      # int32 [1, 64]

transformers' AutoTokenizer does it; texts are padded to ``length``, longer ones are cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SUFFIXES = (".txt", ".jsonl")
_KEY = "text"
_NO_TOKENIZER = (
    "model.source needs tokenizer.json beside config.json, or the tokenizer's own files (vocab.txt; vocab.json and "
    "merges.txt; spiece.model)"
)


@dataclass(frozen=True)
class Tokens:
    """Texts as a model takes them.

    Attributes:
        samples: For each text its arrays by the names of the inputs, int32 ``[1, length]``.
        cut: How many texts were longer than that, and lost their ends.
    """

    samples: Sequence[Mapping[str, npt.NDArray[np.int32]]]
    cut: int


def read_texts(path: Path, field: str) -> list[str]:
    """The texts of a file, in their order: .txt has one a line, .jsonl an object with a field ``text``.

    Args:
        path: The file, in UTF-8; empty lines are passed over.
        field: The field of the recipe that names it.

    Raises:
        StepError: If it cannot be read, or has no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        texts = list(_of_objects(lines) if path.suffix.lower() == ".jsonl" else (line.strip() for line in lines))
    except ValueError as error:
        raise StepError(
            f"{path.name}: {reason(error)}",
            field=field,
            remedy='a .txt in UTF-8 has one text a line; each line of a .jsonl is an object: {"text": "..."}',
        ) from error
    texts = [text for text in texts if text]
    if not texts:
        raise StepError(f"{path.name} has no text", field=field, remedy="write one text a line")
    return texts


def _of_objects(lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get(_KEY), str):
            raise ValueError(f"line {number} has no field {_KEY} with a text")
        yield row[_KEY].strip()


def open_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder; no code of the model's own runs.

    Raises:
        StepError: If it has none, or transformers cannot use it.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # what transformers makes of files that are not there, or strange
        raise StepError(
            f"the model has no tokenizer that transformers can use: {reason(error)}",
            field="model.source",
            remedy=_NO_TOKENIZER,
        ) from error
    if len(tokenizer) <= len(tokenizer.all_special_ids):  # transformers makes an empty one where there are no files
        raise StepError(
            "the model has no tokenizer: its vocabulary is empty", field="model.source", remedy=_NO_TOKENIZER
        )
    return tokenizer


def standalone(tokenizer: Any, length: int) -> str | None:
    """The tokenizer as the library ``tokenizers`` reads it, which cuts and fills up texts as ``tokenize`` does.

    Args:
        tokenizer: As ``open_tokenizer`` gives it.
        length: As of ``tokenize``.

    Returns:
        The content of a tokenizer.json; ``None`` of a tokenizer that is written in Python.
    """
    if not hasattr(tokenizer, "backend_tokenizer"):
        return None
    tokenize(tokenizer, ["a"], length=length, names=("input_ids",))  # leaves both in what is behind it
    return str(tokenizer.backend_tokenizer.to_str(pretty=True)) + "\n"


def tokenize(tokenizer: Any, texts: Sequence[str], *, length: int, names: Sequence[str]) -> Tokens:
    """The tokens of texts.

    Args:
        tokenizer: As ``open_tokenizer`` gives it.
        texts: In their order.
        length: How many tokens a text has, with those that the tokenizer puts around it and those that fill it up.
        names: What of the tokenizer's answer the model takes.

    Raises:
        StepError: If the tokenizer has no token to fill up with, or gives nothing of such a name.
    """
    import numpy as np

    if tokenizer.pad_token is None:
        raise StepError(
            "the tokenizer has no padding token",
            field="model.source",
            remedy="name one in its tokenizer_config.json: pad_token",
        )
    options = {"return_attention_mask": True, "return_token_type_ids": "token_type_ids" in names}
    full = tokenizer(list(texts), truncation=False, padding=False)["input_ids"]
    tokenizer.padding_side = "right"  # as models that look at no token behind need it
    made = tokenizer(list(texts), truncation=True, padding="max_length", max_length=length, **options)
    if missing := [name for name in names if name not in made]:
        raise StepError(
            f"the tokenizer gives no {missing[0]}, but {', '.join(made)}",
            field="inputs",
            remedy="leave it out of the names of kind: tokens",
        )
    rows = {name: np.asarray(made[name], np.int32)[:, np.newaxis] for name in names}
    samples = [{name: values[at] for name, values in rows.items()} for at in range(len(texts))]
    return Tokens(samples, sum(len(ids) > length for ids in full))
