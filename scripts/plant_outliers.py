"""A SegFormer or GLPN that is hard to quantize, on purpose: ``python -m scripts.plant_outliers MODEL TARGET [KIND]``.

In float the function stays the same: channels are made larger where they are made, and smaller where they are taken.
KIND is

- ``norms`` (the default): in some blocks, two channels of what a LayerNorm gives are made FACTOR times larger,

      (LN(x) D) (D^-1 W) = LN(x) W      with D diagonal, its entries powers of two

- ``channels``: all channels of V against the output projection, of Q against K, and of fc1 against the depthwise
  convolution get factors that are log-normal, 2^(SPREAD z) with z normal, rounded to powers of two,

      (A (V D)) (D^-1 O) = (A V) O,    (Q D) (K D^-1)^T = Q K^T,    depthwise(x D) with D^-1 w = depthwise(x)

- ``both``.

In 8 bits per tensor, what is left for a channel that is FACTOR times smaller than the largest is 8 - log2(FACTOR) bits.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

FACTOR = 64
CHANNELS = 2
SPREAD = 1.5
SEED = 0
PLANTED = (
    ("0.0", "layer_norm_2", ("mlp.dense1",)),
    ("1.0", "layer_norm_1", ("attention.self.query", "attention.self.sr")),
    ("1.0", "layer_norm_2", ("mlp.dense1",)),
    ("2.0", "layer_norm_2", ("mlp.dense1",)),
)
"""The block, its LayerNorm, and the layers that take what that gives."""


def plant(model: Path, target: Path, kind: str = "norms", factor: float = FACTOR) -> None:
    """Copy the model (a folder in Hugging Face layout) and plant outliers in the copy."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(model, target)
    weights: dict[str, Any] = {name: held.copy() for name, held in load_file(model / "model.safetensors").items()}
    if kind in ("norms", "both"):
        _norms(weights, factor)
    if kind in ("channels", "both"):
        _channels(weights)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})


def _norms(weights: dict[str, Any], factor: float) -> None:
    import numpy as np

    encoder = next(name for name in weights if ".encoder.block." in name).partition(".block.")[0]
    for block, norm, layers in PLANTED:
        at = f"{encoder}.block.{block}"
        scale = weights[f"{at}.{norm}.weight"]
        largest = np.argsort(-np.abs(scale), kind="stable")[:CHANNELS]
        for part in ("weight", "bias"):
            weights[f"{at}.{norm}.{part}"][largest] *= factor
        for layer in layers:
            weights[f"{at}.{layer}.weight"][:, largest] /= factor


def _channels(weights: dict[str, Any]) -> None:
    import numpy as np

    rng = np.random.default_rng(SEED)
    blocks = [name.removesuffix(".attention.self.query.weight") for name in weights if name.endswith("query.weight")]
    for at in sorted(blocks):
        for large, small, axis in (
            ("attention.self.value", "attention.output.dense", 1),
            ("attention.self.query", "attention.self.key", 0),
            ("mlp.dense1", "mlp.dwconv.dwconv", 0),
        ):
            count = len(weights[f"{at}.{large}.weight"])
            factors = np.exp2(np.rint(SPREAD * rng.normal(size=count))).astype(np.float32)
            weights[f"{at}.{large}.weight"] *= factors[:, None]
            weights[f"{at}.{large}.bias"] *= factors
            taken = weights[f"{at}.{small}.weight"]
            taken /= factors.reshape([-1 if i == axis else 1 for i in range(taken.ndim)])
            if small == "attention.self.key":  # its bias is multiplied with Q, too
                weights[f"{at}.{small}.bias"] /= factors


if __name__ == "__main__":
    plant(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "norms")
