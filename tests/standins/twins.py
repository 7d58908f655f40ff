"""What stand-ins of the board run in place of a compiled model: its twin, the float ONNX model on the host.

The folder STANDIN_TWINS has, under the sha256 of the compiled model, the ``model.onnx`` that it was made from and its
``pulsar2.json``. A twin takes and gives what the NPU does: uint8 images N, H, W, C with mean and std applied inside,
and int32 where ONNX has int64.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def put(twins: Path, compiled: Path, model: Path, config: Path) -> None:
    """Tell the stand-ins what ``compiled`` was made from."""
    folder = twins / digest(compiled)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, folder / "model.onnx")
    shutil.copyfile(config, folder / "pulsar2.json")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Twin:
    """The twin of the compiled model at ``path``; KeyError if it has none: a damaged file, or a strange one.

    What it takes to run is imported once it runs: most calls of a board's program only take the time.
    """

    def __init__(self, path: Path) -> None:
        self._folder = Path(os.environ["STANDIN_TWINS"]) / digest(path)
        if not self._folder.is_dir():
            raise KeyError(f"no twin of {path}")

    @functools.cached_property
    def _session(self) -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        return ort.InferenceSession(self._folder / "model.onnx", options, providers=["CPUExecutionProvider"])

    @functools.cached_property
    def input(self) -> tuple[str, tuple[int, ...], np.dtype]:
        import numpy as np

        (tensor,) = self._session.get_inputs()
        n, c, h, w = tensor.shape
        return tensor.name, (n, h, w, c), np.dtype(np.uint8)

    @functools.cached_property
    def outputs(self) -> list[tuple[str, tuple[int, ...], np.dtype]]:
        import numpy as np

        kinds = {"tensor(int64)": np.dtype(np.int32), "tensor(float)": np.dtype(np.float32)}
        return [(tensor.name, tuple(tensor.shape), kinds[tensor.type]) for tensor in self._session.get_outputs()]

    def run(self, pixels: np.ndarray) -> list[np.ndarray]:
        import numpy as np

        name, shape, dtype = self.input
        assert (pixels.shape, pixels.dtype) == (shape, dtype), f"{pixels.dtype} {pixels.shape}"
        processor = json.loads((self._folder / "pulsar2.json").read_text())["input_processors"][0]
        assert (processor["src_dtype"], processor["src_layout"]) == ("U8", "NHWC")
        mean, std = (np.array(processor[key], np.float32) for key in ("mean", "std"))
        batch = ((pixels - mean) / std).transpose(0, 3, 1, 2)
        values = self._session.run(None, {name: np.ascontiguousarray(batch)})
        return [value.astype(kind) for value, (_, _, kind) in zip(values, self.outputs, strict=True)]
