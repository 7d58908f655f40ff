"""What stand-ins of the board run in place of a compiled model: its twin, the float ONNX model on the host.

The folder STANDIN_TWINS has, under the sha256 of the compiled model, the ``model.onnx`` that it was made from and its
``pulsar2.json``. A twin takes and gives what the NPU does: uint8 images N, H, W, C with mean and std applied inside,
and int32 where ONNX has int64.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnxruntime as ort


def put(twins: Path, compiled: Path, model: Path, config: Path) -> None:
    """Tell the stand-ins what ``compiled`` was made from."""
    folder = twins / digest(compiled)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, folder / "model.onnx")
    shutil.copyfile(config, folder / "pulsar2.json")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Twin:
    """The twin of the compiled model at ``path``; KeyError if it has none: a damaged file, or a strange one."""

    def __init__(self, path: Path) -> None:
        folder = Path(os.environ["STANDIN_TWINS"]) / digest(path)
        if not folder.is_dir():
            raise KeyError(f"no twin of {path}")
        processor = json.loads((folder / "pulsar2.json").read_text())["input_processors"][0]
        assert (processor["src_dtype"], processor["src_layout"]) == ("U8", "NHWC")
        self._mean, self._std = (np.array(processor[key], np.float32) for key in ("mean", "std"))
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        (given,) = self._session.get_inputs()
        n, c, h, w = given.shape
        self.input = (given.name, (n, h, w, c), np.dtype(np.uint8))
        self.outputs = [(it.name, tuple(it.shape), self._dtype(it.type)) for it in self._session.get_outputs()]

    def run(self, pixels: np.ndarray) -> list[np.ndarray]:
        name, shape, dtype = self.input
        assert (pixels.shape, pixels.dtype) == (shape, dtype), f"{pixels.dtype} {pixels.shape}"
        batch = ((pixels - self._mean) / self._std).transpose(0, 3, 1, 2)
        found = self._session.run(None, {name: np.ascontiguousarray(batch)})
        return [value.astype(dtype) for value, (_, _, dtype) in zip(found, self.outputs, strict=True)]

    @staticmethod
    def _dtype(kind: str) -> np.dtype:
        return np.dtype({"tensor(int64)": np.int32, "tensor(float)": np.float32}[kind])
