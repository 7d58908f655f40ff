"""Tiny models of text with tokenizers made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ("a", "cat", "dog", "red", "blue", "car", "tree", "house", "runs", "sleeps", "is", "on", "the", "street", "old")


def texts(count: int) -> list[str]:
    """Sentences of 3 to 6 of the words, no two alike."""
    import random

    rng = random.Random(0)
    made: dict[str, None] = {}
    while len(made) < count:
        made[" ".join(rng.choice(WORDS) for _ in range(rng.randint(3, 6)))] = None
    return list(made)


def bert(folder: Path) -> Path:
    """A BERT of 2 layers and 32 channels with a WordPiece vocabulary of ``WORDS``."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=32, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def clip(folder: Path) -> Path:
    """The text tower of a CLIP of 2 layers and 32 channels, with a projection to 16, and a BPE of single letters."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizerFast

    folder.mkdir(parents=True)
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({name: at for at, name in enumerate(names)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    CLIPTokenizerFast(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(names), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=32, projection_dim=16, bos_token_id=len(names) - 2, eos_token_id=len(names) - 1,
        pad_token_id=len(names) - 1,
    )  # fmt: skip
    CLIPTextModelWithProjection(config).save_pretrained(folder)
    return folder
