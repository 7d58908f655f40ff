"""A model of text in Hugging Face layout -> the fields of its recipe, from its config.json and its pooling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.facts.tasks import TASKS, TEXT
from recipebuild.verbs.draft.facts import Fact, Facts

Json = Mapping[str, Any]

_LENGTH = 128
"""Tokens that are proposed where a model takes more."""


def is_text(config: Json, architecture: str) -> bool:
    """Whether a model encodes text: a text tower, or of BERT's kind, which has words and no decoder."""
    if architecture.endswith(("TextModel", "TextModelWithProjection")):
        return True
    decodes = config.get("is_decoder") or config.get("is_encoder_decoder") or architecture.endswith("LMHeadModel")
    return "vocab_size" in config and not decodes and architecture.endswith(("Model", "ForMaskedLM"))


def facts(config: Json, why: str) -> Facts:
    """The fields of a recipe; the file of texts is for ``tensors.with_sources`` to fill in.

    Args:
        config: The content of config.json.
        why: Why it is known to be a model of text.
    """
    tower = config.get("text_config")
    own: Json = tower if isinstance(tower, Mapping) else config
    is_tower = own is tower or str(config["model_type"]).endswith("_text_model")
    most = own.get("max_position_embeddings", 0)
    known = isinstance(most, int) and most > 0
    length = int(most) if known else _LENGTH
    if not is_tower:
        length = min(length, _LENGTH)
    names = ["input_ids"] if is_tower else ["input_ids", "attention_mask"]
    features = (
        Fact("pooled", "the text tower of a model of images and text")
        if is_tower
        else Fact("mean", "over the tokens, as in most such models; BGE uses cls", sure=False)
    )
    described = f"at most {most} tokens" if known else "config.json does not say how many tokens"
    return {
        "model.task": Fact(TEXT, why),
        "model.features": features,
        "inputs": Fact([{"kind": "tokens", "names": names, "length": length}], described, sure=is_tower and known),
        "export.output": Fact(TASKS[TEXT].tensor, "the output's name in the board's program"),
        "head.kind": Fact("none", f"{TEXT}: the network's own output"),
    }


def pooling(folder: Path) -> Facts:
    """What the files of sentence-transformers say of how tokens become an embedding; nothing where there are none.

    ``1_Pooling/config.json`` has a flag for each way, of which ``cls`` and ``mean`` are built; a folder ``2_Normalize``
    brings embeddings to length 1.
    """
    name = "1_Pooling/config.json"
    try:
        modes = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(modes, dict):
        return {}
    ways = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
    chosen = [mode for mode, on in modes.items() if on is True and mode.startswith("pooling_mode_")]
    facts: dict[str, Fact] = {}
    if len(chosen) == 1 and chosen[0] in ways:
        facts["model.features"] = Fact(ways[chosen[0]], name)
    elif chosen:
        facts["model.features"] = Fact("mean", f"{name} says {', '.join(chosen)}, which is not supported", sure=False)
    if (folder / "2_Normalize").is_dir():
        facts["model.normalize"] = Fact(True, "the folder has 2_Normalize")
    return facts
