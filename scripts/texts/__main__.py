"""Makes the quickstart's text tower: trains on composed sentences, measures it, writes model, tokenizer and texts.

Usage, from the root of the repository: ``python -m scripts.texts [--out recipes/quickstart-text]``. Nothing is written
if it is not good enough. ``--measure build/quickstart-text`` tells what a build finds, float and quantized.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np

from scripts.texts.sentences import Scene, say, scene, unlike
from scripts.texts.train import LENGTH, Settings, embed, train

CALIBRATION = 128
PAIRS = 200
LEAST_FOUND = 0.95
"""A model below this on the held-out sentences is not written."""
README = """\
# Quickstart text tower

A small encoder of text, so that a build can measure what 8 bits cost one without any download. It is trained on the
sentences of `scripts/texts` alone: it is good for trying recipebuild, and knows {words} words.

`model/` is a BERT of 3 layers of 64 channels, {parameters:,} parameters, with its tokenizer. The embedding of a text is
the mean over its tokens, brought to length 1. `texts.txt` is to calibrate with; `heldout.jsonl` has {pairs} pairs of
sentences that mean the same, about scenes that nothing was trained on. Each scene has one beside it that differs in one
thing.

## Made by

    python -m scripts.texts

It trains for {steps} steps on one core, which takes minutes.

## Measured

The float model, in PyTorch, by the program that made it: of **{found:.2%}** of the held-out sentences the nearest other
one means the same.

## Licence

Apache-2.0, as everything here.
"""

logger = logging.getLogger("texts")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.texts", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("recipes/quickstart-text"), help="default: %(default)s")
    parser.add_argument("--measure", type=Path, metavar="BUILD", help="a build folder, of which figures are printed")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if options.measure:
        for name in ("model.onnx", "quantized.onnx"):
            print(f"{name}: {paired_share(_by_onnx(options.measure / name, options.out / 'model', held_out())):.4f}")
        return 0
    settings = Settings()
    model, tokenizer = train(settings)
    share = paired_share(embed(model, tokenizer, held_out()).detach().numpy())
    logger.info("%.4f of the held-out sentences find the one that means the same", share)
    if share < LEAST_FOUND:
        logger.error("that is below %.2f: %s is left as it was", LEAST_FOUND, options.out)
        return 1
    _write(options.out, model, tokenizer, settings.steps, share)
    return 0


def held_out() -> list[str]:
    """Held-out sentences: each two in a row mean the same, each four are of scenes that differ in one thing."""
    rng = np.random.default_rng(1)
    scenes: list[Scene] = []
    while len(scenes) < PAIRS:
        one = scene(rng, held_out=True)
        if (other := unlike(one, rng)) is not None:
            scenes += [one, other]
    texts: list[str] = []
    for each in scenes:
        first = second = say(each, rng)
        while second == first:
            second = say(each, rng)
        texts += [first, second]
    return texts


def paired_share(embeddings: np.ndarray) -> float:
    """The share of sentences whose nearest other one, by cosine, is the one that means the same."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    similar = unit @ unit.T
    np.fill_diagonal(similar, -np.inf)
    return float((similar.argmax(axis=1) == np.arange(len(unit)) ^ 1).mean())


def _by_onnx(path: Path, folder: Path, texts: list[str]) -> np.ndarray:
    """What a model of a build gives for texts, [N, C]."""
    from recipebuild.toolkit.calibration.texts import open_tokenizer, tokenize
    from recipebuild.toolkit.evaluate.runners import open_model, outputs_of_feed

    tokens = tokenize(open_tokenizer(folder), texts, length=LENGTH, names=("input_ids", "attention_mask"))
    loaded = open_model(path)
    return np.concatenate([outputs_of_feed(loaded, sample)[0] for sample in tokens.samples])


def _write(out: Path, model: Any, tokenizer: Any, steps: int, share: float) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out / "model")
    tokenizer.save_pretrained(out / "model")
    rng = np.random.default_rng(2)
    texts = [say(scene(rng), rng) for _ in range(CALIBRATION)]
    (out / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    rows = "".join(json.dumps({"text": text}) + "\n" for text in held_out())
    (out / "heldout.jsonl").write_text(rows, encoding="utf-8")
    parameters = sum(p.numel() for p in model.parameters())
    values = {"words": len(tokenizer), "parameters": parameters, "pairs": PAIRS, "steps": steps, "found": share}
    (out / "README.md").write_text(README.format(**values), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
