"""Quantize with NVIDIA ModelOpt: ``python by_modelopt.py SETTING MODEL IMAGES OUT``, with nvidia-modelopt[onnx].

IMAGES is a .npy file, float32 [n, 3, H, W] as the model takes them. SETTING is how ranges are found: ``entropy`` (its
default) or ``max``. What it leaves out of int8 stays in float32, for a comparison of int8 alone.
"""

from __future__ import annotations

import sys

import numpy as np
from modelopt.onnx.quantization import quantize


def main(setting: str, source: str, images: str, target: str) -> None:
    quantize(
        source,
        quantize_mode="int8",
        calibration_method=setting,
        calibration_data=np.load(images),
        calibration_eps=["cpu"],
        high_precision_dtype="fp32",
        output_path=target,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
