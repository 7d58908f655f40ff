"""A model, its quantized twin, and what it was calibrated with."""

from __future__ import annotations

from pathlib import Path

import onnx

from recipebuild.steps import calibrate, compile_onnxruntime

INPUT = {"name": "pixel_values", "shape": [1, 3, 16, 32], "color": "RGB", "mean": [128] * 3, "std": [64] * 3}


def quiet(fraction: float, text: str = "") -> None:
    """Progress that nobody hears."""


def quantized_twin(source: Path, images: Path, folder: Path) -> dict[str, Path]:
    """What the steps that compare both models take: model, calibration, quantized."""
    model = onnx.shape_inference.infer_shapes(onnx.load(source), data_prop=True)
    onnx.save(model, folder / "model.onnx")
    for name in ("calibrated", "compiled"):
        (folder / name).mkdir()
    params = calibrate.Params(count=4, shape=(1, 3, 16, 32))
    calibrate.run({"source": images}, params, folder / "calibrated", quiet)
    files = {"model": folder / "model.onnx", "calibration": folder / "calibrated/calibration.tar"}
    how = compile_onnxruntime.Params.model_validate({"input": INPUT})
    compile_onnxruntime.run(files, how, folder / "compiled", quiet)
    return {**files, "quantized": folder / "compiled/quantized.onnx"}
