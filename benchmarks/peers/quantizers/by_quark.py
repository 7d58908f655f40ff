"""Quantize with AMD Quark: ``python by_quark.py SETTING MODEL IMAGES OUT``, in an environment with amd-quark.

IMAGES is a .npy file, float32 [n, 3, H, W] as the model takes them. SETTING is a preset's name, such as ``A8W8`` or
``INT8_TRANSFORMER_DEFAULT``; with ``+smooth`` behind it SmoothQuant comes first, at Quark's strength.
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader
from quark.onnx import ModelQuantizer
from quark.onnx.quantization.config import custom_config
from quark.onnx.quantization.config.algorithm import SmoothQuantConfig
from quark.onnx.quantization.config.config import Config


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """The images, one a batch."""

    def __init__(self, name: str, images: str) -> None:
        self.feeds = iter([{name: image[None]} for image in np.load(images)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch; ``None`` after the last."""
        return next(self.feeds, None)


def main(setting: str, source: str, images: str, target: str) -> None:
    preset, _, smooth = setting.partition("+")
    name = onnx.load(source).graph.input[0].name
    config = Config(global_quant_config=getattr(custom_config, f"{preset}_CONFIG"))
    algorithms = [SmoothQuantConfig()] if smooth else []
    ModelQuantizer(config).quantize_model(source, target, Reader(name, images), algorithms=algorithms)


if __name__ == "__main__":
    main(*sys.argv[1:])
