"""A small float model, and a quantized twin of it as QDQ quantizers write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

Array = np.ndarray[Any, Any]

FLOAT = """(float[1,3,4,8] x) => (float[1,4,4,8] y)
<float[4,3,1,1] w1 = {%s}, float[4,4,1,1] w2 = {%s}>
{ [first] a = Conv(x, w1) [bend] b = Relu(a) [second] y = Conv(b, w2) }"""
QDQ = """(float[1,3,4,8] x) => (float[1,4,4,8] y)
<float[4,3,1,1] w1 = {%s}, float[4,4,1,1] w2 = {%s},
 float sx = {%r}, uint8 zx = {128}, float sa = {%r}, uint8 za = {0}, float sy = {%r}, uint8 zy = {128}>
{ qx = QuantizeLinear(x, sx, zx) dx = DequantizeLinear(qx, sx, zx)
  [first] a = Conv(dx, w1)
  qa = QuantizeLinear(a, sa, za) da = DequantizeLinear(qa, sa, za)
  [second] y_in = Conv(da, w2)
  qy = QuantizeLinear(y_in, sy, zy) y = DequantizeLinear(qy, sy, zy) }"""
HEAD = '<ir_version: 8, opset_import: ["" : 17]> g '


class Pair:
    """The models, and what each tensor is by numpy.

    The quantized one has no Relu: its codes for ``a`` begin at zero.
    """

    def __init__(self, steps: tuple[float, float, float]) -> None:
        rng = np.random.default_rng(1)
        self.w1 = rng.standard_normal((4, 3)).astype(np.float32)
        self.w2 = rng.standard_normal((4, 4)).astype(np.float32)
        self.steps = steps
        weights = tuple(", ".join(repr(float(v)) for v in w.ravel()) for w in (self.w1, self.w2))
        self.model = _parsed(FLOAT % weights)
        self.quantized = _parsed(QDQ % (*weights, *steps))
        self.images = [rng.uniform(-1, 1, (1, 3, 4, 8)).astype(np.float32) for _ in range(3)]

    def float(self, x: Array) -> dict[str, Array]:
        a = np.maximum(_conv(self.w1, x), 0)
        return {"x": x, "a": a, "y": _conv(self.w2, a)}

    def end_to_end(self, x: Array) -> dict[str, Array]:
        seen = codes(x, self.steps[0], 128)
        a = codes(_conv(self.w1, seen), self.steps[1], 0)
        return {"x": seen, "a": a, "y": codes(_conv(self.w2, a), self.steps[2], 128)}

    def alone(self, x: Array) -> dict[str, Array]:
        """Each layer on the float model's tensors, quantized."""
        right = self.float(x)
        seen, a = codes(x, self.steps[0], 128), codes(right["a"], self.steps[1], 0)
        first = codes(_conv(self.w1, seen), self.steps[1], 0)
        return {"x": seen, "a": first, "y": codes(_conv(self.w2, a), self.steps[2], 128)}


def codes(values: Array, step: float, zero: int) -> Array:
    """Quantized to U8 and back."""
    rounded: Array = (np.clip(np.rint(values / np.float32(step)) + zero, 0, 255) - zero) * np.float32(step)
    return rounded


def _conv(weights: Array, values: Array) -> Array:
    product: Array = np.einsum("dc,nchw->ndhw", weights, values)
    return product


def _parsed(text: str) -> onnx.ModelProto:
    model = onnx.shape_inference.infer_shapes(onnx.parser.parse_model(HEAD + text))
    onnx.checker.check_model(model)
    return model


@pytest.fixture
def make_pair() -> Callable[..., Pair]:
    """``make_pair(x, a, y)``: with these steps of the codes."""

    def make(x: float = 0.01, a: float = 0.02, y: float = 0.05) -> Pair:
        return Pair((x, a, y))

    return make
