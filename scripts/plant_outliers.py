"""A SegFormer that is hard to quantize, on purpose: ``python -m scripts.plant_outliers MODEL TARGET``.

In some blocks, two channels of what a LayerNorm gives are made FACTOR times larger, and the weights of the linear
layers behind it that much smaller:

    (LN(x) D) (D^-1 W) = LN(x) W      with D diagonal, its entries powers of two

so that in float the function stays the same. In 8 bits per tensor, what is left for the other channels is
8 - log2(FACTOR) bits.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

FACTOR = 64
CHANNELS = 2
PLANTED = (
    ("0.0", "layer_norm_2", ("mlp.dense1",)),
    ("1.0", "layer_norm_1", ("attention.self.query", "attention.self.sr")),
    ("1.0", "layer_norm_2", ("mlp.dense1",)),
    ("2.0", "layer_norm_2", ("mlp.dense1",)),
)
"""The block, its LayerNorm, and the layers that take what that gives."""


def plant(model: Path, target: Path, factor: float = FACTOR) -> None:
    """Copy the model (a folder in Hugging Face layout) and plant outliers in the copy."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    shutil.copytree(model, target)
    weights: dict[str, Any] = {name: held.copy() for name, held in load_file(model / "model.safetensors").items()}
    for block, norm, layers in PLANTED:
        at = f"segformer.encoder.block.{block}"
        scale = weights[f"{at}.{norm}.weight"]
        largest = np.argsort(-np.abs(scale), kind="stable")[:CHANNELS]
        for part in ("weight", "bias"):
            weights[f"{at}.{norm}.{part}"][largest] *= factor
        for layer in layers:
            weights[f"{at}.{layer}.weight"][:, largest] /= factor
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    plant(Path(sys.argv[1]), Path(sys.argv[2]))
