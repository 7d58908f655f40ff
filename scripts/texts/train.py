"""Trains the quickstart's text tower: sentences of one meaning are brought together, others apart.

``train(Settings())`` returns a BERT of transformers in evaluation mode, whose embedding of a text is the mean over its
tokens; on one machine the same settings give the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scripts.small_models import fit
from scripts.texts.sentences import Scene, say, scene, unlike, vocabulary

LENGTH = 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Settings:
    """How to train: AdamW, whose learning rate rises and falls once."""

    steps: int = 400
    scenes: int = 48
    learning_rate: float = 2e-3
    temperature: float = 0.05
    threads: int = 1
    seed: int = 0


def make_tokenizer() -> Any:
    """One token a word."""
    from transformers import BertTokenizerFast

    words = [*SPECIAL, *vocabulary()]
    return BertTokenizerFast(vocab={word: at for at, word in enumerate(words)}, model_max_length=LENGTH)


def make_model(words: int) -> Any:
    """A BERT of 3 layers of 64 channels."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=words, hidden_size=64, num_hidden_layers=3, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=LENGTH, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False)


def embed(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Embeddings [N, C] of length 1: the mean over the tokens of each text."""
    fed = tokenizer(texts, padding=True, return_tensors="pt")
    tokens = model(**fed).last_hidden_state
    mask = fed["attention_mask"].unsqueeze(-1).float()
    return torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=-1)


def train(settings: Settings) -> tuple[Any, Any]:
    """The model and its tokenizer."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    tokenizer = make_tokenizer()
    model = make_model(len(tokenizer))
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.steps, pct_start=0.1
    )

    def loss() -> torch.Tensor:
        batch = _scenes(settings.scenes, rng)
        first, second = (embed(model, tokenizer, [say(one, rng) for one in batch]) for _ in range(2))
        return _apart(first @ second.T / settings.temperature, batch)

    fit(model, loss, optimizer, rate, settings.steps, clip=1.0)
    return model, tokenizer


def _scenes(count: int, rng: np.random.Generator) -> list[Scene]:
    """Scenes, each with one beside it that differs in one thing."""
    some = [scene(rng) for _ in range(count)]
    return [*some, *(unlike(one, rng) or one for one in some)]


def _apart(scores: torch.Tensor, scenes: list[Scene]) -> torch.Tensor:
    """Cross entropy over which sentence means the same, both ways; equal scenes are not held apart."""
    equal = torch.tensor([[a == b for b in scenes] for a in scenes])
    hidden = scores.masked_fill(equal & ~torch.eye(len(scenes), dtype=torch.bool), -1e9)
    right = torch.arange(len(scenes))
    return (torch.nn.functional.cross_entropy(hidden, right) + torch.nn.functional.cross_entropy(hidden.T, right)) / 2
