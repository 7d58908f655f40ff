"""Ranges -> QDQ model: QuantizeLinear and DequantizeLinear around every tensor that is to be 8 bits wide.

Use: ``quantized = insert_qdq(prepare(model, spec), ranges)``.

ONNX Runtime's QDQQuantizer does it, with its usual set of operators: activations U8, asymmetric, per tensor; constant
weights of Conv, Gemm and MatMul S8, symmetric, per output channel, their biases S32 with the product of both scales;
constant operands of Add, Mul and the like U8 over their own values. Both operands of a MatMul of activations are U8.
Reshape, Transpose, Resize, Split and their kind share their input's scale and zero point. A Relu that alone follows an
operator goes, as zero point 0 does its work. Erf, Div, Sub, Pow, Sqrt, ReduceMean and integer tensors stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason

if TYPE_CHECKING:
    import onnx

    from recipebuild.quantize.ranges import Range

_CHANNEL_AXIS = {"LayerNormalization": 0, "MatMul": -1}
"""Of the weights, where the quantizer's own guess, 1, is wrong: it is out of bounds for the vector that scales a
LayerNormalization, and for a stack of matrices it is not the output."""


def insert_qdq(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> onnx.ModelProto:
    """A quantized copy of the model with the same inputs and outputs; same model and ranges, same bytes.

    Args:
        model: What ``prepare`` gives.
        ranges: Of every float activation in it.

    Raises:
        StepError: If the quantizer cannot deal with the model.
    """
    import numpy as np
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    ends = {name: (np.float32(it.low), np.float32(it.high)) for name, it in ranges.items()}
    options: dict[str, Any] = {
        "ActivationSymmetric": False,
        "WeightSymmetric": True,
        "QDQOpTypePerChannelSupportToAxis": _CHANNEL_AXIS,
        "TensorQuantOverrides": _softmax_ranges(model, ends),
    }
    data = {name: TensorData(lowest=low, highest=high) for name, (low, high) in ends.items()}
    try:
        quantizer = QDQQuantizer(
            model,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, data),
            nodes_to_quantize=[],
            nodes_to_exclude=[],
            op_types_to_quantize=sorted({*QDQRegistry, *QLinearOpsRegistry}),
            extra_options=options,
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    except Exception as error:  # the quantizer raises whatever comes up
        raise StepError(f"ONNX Runtime cannot quantize the model: {reason(error)}") from error
    quantized: onnx.ModelProto = quantizer.model.model
    del quantized.graph.value_info[:]  # some of it is of tensors that are gone
    _restore_properties(quantized, model)
    return quantized


def qdq_counts(quantized: onnx.ModelProto) -> dict[str, int]:
    """``quantized_nodes``: operators that take a dequantized tensor; ``qdq_pairs``: activations that are quantized."""
    nodes = quantized.graph.node
    dequantized = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    operators = [node for node in nodes if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    return {
        "quantized_nodes": sum(not dequantized.isdisjoint(node.input) for node in operators),
        "qdq_pairs": sum(node.op_type == "QuantizeLinear" for node in nodes),
    }


def _softmax_ranges(model: onnx.ModelProto, ends: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The quantizer would take 0 to 1 for Softmax, where the probabilities of a long row all round to zero."""
    names = [node.output[0] for node in model.graph.node if node.op_type == "Softmax"]
    return {name: [{"rmin": ends[name][0], "rmax": ends[name][1]}] for name in names}


def _restore_properties(quantized: onnx.ModelProto, model: onnx.ModelProto) -> None:
    """Without the quantizer's own notes."""
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(model.metadata_props)
