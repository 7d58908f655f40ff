"""Quantize with ONNX Runtime's ``quantize_static``: ``python by_onnxruntime.py SETTING MODEL IMAGES OUT``.

IMAGES is a .npy file, float32 [n, 3, H, W] as the model takes them. SETTING is how ranges are found: ``MinMax``,
``Entropy`` or ``Percentile``. Activations are U8, weights S8 per channel.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnx
from onnxruntime import quantization as ort


class Reader(ort.CalibrationDataReader):  # type: ignore[misc]
    """The images, one a batch."""

    def __init__(self, name: str, images: str) -> None:
        self.feeds = iter([{name: image[None]} for image in np.load(images)])

    def get_next(self) -> dict[str, Any] | None:
        """The next batch; ``None`` after the last."""
        return next(self.feeds, None)


def main(setting: str, source: str, images: str, target: str) -> None:
    ort.quantize_static(
        source,
        target,
        Reader(onnx.load(source).graph.input[0].name, images),
        quant_format=ort.QuantFormat.QDQ,
        per_channel=True,
        activation_type=ort.QuantType.QUInt8,
        weight_type=ort.QuantType.QInt8,
        calibrate_method=getattr(ort.CalibrationMethod, setting),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
