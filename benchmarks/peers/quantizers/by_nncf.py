"""Quantize with NNCF: ``python by_nncf.py SETTING MODEL IMAGES OUT``, in an environment with nncf and onnx.

IMAGES is a .npy file, float32 [n, 3, H, W] as the model takes them. SETTING is ``transformer``, what NNCF has for
transformers (SmoothQuant included), or ``default``.
"""

from __future__ import annotations

import sys
from typing import Any

import nncf
import numpy as np
import onnx


def main(setting: str, source: str, images: str, target: str) -> None:
    model = onnx.load(source)
    name = model.graph.input[0].name

    def feed(image: Any) -> dict[str, Any]:
        return {name: image[None]}

    batches = np.load(images)
    quantized = nncf.quantize(
        model,
        nncf.Dataset(batches, feed),
        subset_size=len(batches),
        model_type=nncf.ModelType.TRANSFORMER if setting == "transformer" else None,
    )
    onnx.save(quantized, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
