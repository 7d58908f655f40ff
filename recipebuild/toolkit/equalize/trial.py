"""What a site wins, tried out: what takes its tensor, in 8 bits, on a real input, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    Values = npt.NDArray[Any]


class Trial:
    """One operator of two factors, run alone.

    Args:
        node: It: Conv, Gemm or MatMul; what else it takes (a bias) is left out.
        opset: The model's.

    Raises:
        StepError: If ONNX Runtime cannot run it.
    """

    def __init__(self, node: onnx.NodeProto, opset: int) -> None:
        import onnxruntime as ort
        from onnx import TensorProto, helper

        copy = type(node)()
        copy.CopyFrom(node)
        del copy.input[:], copy.output[:]
        copy.input.extend(["left", "right"])
        copy.output.append("product")
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("left", "right", "product")]
        graph = helper.make_graph([copy], "trial", values[:2], values[2:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def __call__(self, left: Values, right: Values) -> Values:
        """The product, in float32."""
        import numpy as np

        feeds = {"left": left.astype(np.float32), "right": right.astype(np.float32)}
        product: Values = self._session.run(None, feeds)[0]
        return product


def in_u8(values: Values, low: float, high: float) -> Values:
    """Values on the grid of 255 steps over a range: as an activation in U8."""
    import numpy as np

    step = (high - low) / 255 or 1.0
    zero = np.rint(-low / step)
    on_grid: Values = (np.clip(np.rint(values / step) + zero, 0, 255) - zero) * step
    return on_grid


def in_s8(weights: Values, outputs: int) -> Values:
    """Weights on their grids of 127.5 steps on each side of 0, one for each output: as weights in S8."""
    import numpy as np

    others = tuple(axis for axis in range(weights.ndim) if axis != outputs)
    step = np.abs(weights).max(axis=others, keepdims=True) / 127.5
    step = np.where(step > 0, step, 1.0)
    return np.clip(np.rint(weights / step), -128, 127) * step


def won(exact: Values, before: Values, after: Values) -> float:
    """How much less noise there is, in dB: 10 log10 of the power of ``before - exact`` over that of ``after - exact``.

    0 where there was none before, and at most ``MOST``.
    """
    import numpy as np

    noise, left = (float(np.square(got - exact, dtype=np.float64).sum()) for got in (before, after))
    if not noise > 0:
        return 0.0
    return min(float(10 * np.log10(noise / left)), MOST) if left > 0 else MOST


MOST = 99.0
"""dB: as good as no noise at all."""
