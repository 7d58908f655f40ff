"""A small model with a state, as a detector of voices has it: a frame of sound, the state after the last, the rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser

VOICE = """
<ir_version: 8, opset_import: ["" : 17]>
voice (float[1,64] audio, float[2,1,8] state, int64[1] rate) => (float[1,1] probability, float[2,1,8] next)
{
    heard = MatMul(audio, w1)
    before = Reshape(state, flat)
    remembered = MatMul(before, w2)
    factor = Cast <to = 1> (rate)
    sum = Add(heard, remembered)
    scaled = Mul(sum, factor)
    new = Tanh(scaled)
    next = Reshape(new, deep)
    logit = MatMul(new, w3)
    probability = Sigmoid(logit)
}
"""


def save_voice(path: Path, rng: np.random.Generator) -> None:
    """Write the model with random weights."""
    model = parser.parse_model(VOICE)
    constants: dict[str, Any] = {
        name: (rng.normal(size=shape) * 0.2).astype(np.float32)
        for name, shape in (("w1", (64, 16)), ("w2", (16, 16)), ("w3", (16, 1)))
    }
    constants |= {"flat": np.array([1, 16]), "deep": np.array([2, 1, 8])}
    model.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in constants.items())
    onnx.save(model, path)
