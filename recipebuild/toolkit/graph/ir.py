"""ONNX models on disk in onnx_ir's form, in which rewrites are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.files import load

if TYPE_CHECKING:
    import onnx_ir as ir


def load_ir(path: Path) -> ir.Model:
    """Read a model into onnx_ir's form; weights that are external data stay on disk and are mapped into memory.

    Raises:
        StepError: As ``files.load``.
    """
    import numpy as np
    import onnx_ir

    model: ir.Model = onnx_ir.from_proto(load(path, weights=False))
    for value in model.graph.initializers.values():
        held = value.const_value
        # onnx_ir, too, reads no file with several hard links; what is packed several to a byte has no view in numpy.
        if isinstance(held, onnx_ir.ExternalTensor) and held.size and held.dtype.itemsize >= 1:
            shape = tuple(held.shape.numpy())
            view = np.memmap(path.parent / held.location, held.dtype.numpy(), "r", held.offset or 0, shape or (1,))
            value.const_value = onnx_ir.tensor(view.reshape(shape), held.dtype, name=value.name)
    return model
