"""tokens: texts -> token ids, from the model's own tokenizer.

Inputs: texts (a .txt or .jsonl file), model (a folder in HF layout, with its tokenizer).
Outputs: samples.tar, of calibration; or dataset (a folder with an .npz file for each text), of evaluation.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.calibration.samples import write_samples
from recipebuild.toolkit.calibration.texts import open_tokenizer, read_texts, tokenize

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Which texts, and how they are fed.

    Attributes:
        names: The model's inputs, as the tokenizer calls them.
        length: How many tokens each text has.
        count: How many texts to draw; ``None`` for all.
        seed: Which ones.
        as_dataset: Whether they are for evaluation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...] = Field(min_length=1)
    length: int = Field(ge=1)
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    as_dataset: bool = False


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Draw texts and write their tokens; samples are called by the numbers of the texts, from 1.

    Raises:
        StepError: If there is no text or no tokenizer, or the tokenizer does not give what the model takes.
    """
    import numpy as np

    texts = read_texts(inputs["texts"], "evaluate.dataset" if params.as_dataset else "inputs")
    chosen = list(range(len(texts)))
    if params.count is not None and params.count < len(texts):
        chosen = sorted(random.Random(params.seed).sample(chosen, params.count))  # noqa: S311 - it can be repeated
    progress(0.0, f"{len(chosen)} texts")
    tokens = tokenize(
        open_tokenizer(inputs["model"]), [texts[at] for at in chosen], length=params.length, names=params.names
    )
    named = [(f"{at + 1:06}", sample) for at, sample in zip(chosen, tokens.samples, strict=True)]
    if params.as_dataset:
        (out / "dataset").mkdir()
        for name, sample in named:
            np.savez(out / "dataset" / f"{name}.npz", **dict(sample))  # type: ignore[arg-type]  # of its flag
    else:
        write_samples(out / "samples.tar", named)
    warnings = []
    if tokens.cut:
        warnings.append(
            f"RB215 {tokens.cut} of {len(chosen)} texts have more than {params.length} tokens: they are cut"
        )
    if params.count is not None and params.count > len(texts):
        warnings.append(f"RB202 {params.count} texts asked for, only {len(texts)} found: all of them are used")
    for warning in warnings:
        logger.warning("%s", warning)
    return {"samples": len(named), "cut": tokens.cut, **({"warnings": warnings} if warnings else {})}
