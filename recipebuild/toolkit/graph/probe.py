"""An input to compare two graphs on where no real image is at hand: noise with the spectrum of natural images.

Use: ``feed = probe((1, 3, 640, 1280), "float32")``.

The amplitude falls with the inverse of the spatial frequency, as it does in photographs (Field, "Relations between the
statistics of natural images and the response properties of cortical cells", 1987), and every channel has mean 0 and
variance 1, as an image has after (pixel - mean) / std. It depends on the shape alone, not on a recipe's images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx


def rows_named_by(model: onnx.ModelProto, name: str) -> int | None:
    """How many rows the smallest table has out of which an input of the model picks some; ``None`` if it picks none.

    Ids of tokens pick those of an embedding; numbers beyond it no runtime takes.
    """
    sizes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    same, rows = {name}, []
    for node in model.graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in same:
            same.add(node.output[0])
        elif node.op_type == "Gather" and node.input[1] in same and node.input[0] in sizes:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
            rows.append(sizes[node.input[0]][axis])
    return min(rows, default=None)


def probe(shape: Sequence[int], dtype: str) -> npt.NDArray[Any]:
    """An array of ``shape`` [..., H, W] and ``dtype``; for integer types the values are spread over 0..255."""
    import numpy as np

    if len(shape) < 2:
        return probe((1, *shape, 1), dtype).reshape(tuple(shape))
    height, width = shape[-2:]
    random = np.random.default_rng(0)
    spectrum = np.fft.rfft2(random.standard_normal(tuple(shape)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    image = np.fft.irfft2(spectrum / frequency, s=(height, width))
    deviation = image.std(axis=(-2, -1), keepdims=True)
    image = image / np.where(deviation > 0, deviation, 1)
    if np.dtype(dtype).kind in "iu":
        image = np.clip(np.rint(128 + 50 * image), 0, 255)
    return image.astype(dtype)
