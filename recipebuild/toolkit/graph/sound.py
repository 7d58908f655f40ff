"""What of a sound ONNX model a build cannot begin with: an opset that ONNX Runtime lacks, 16 bits, quantization.

Use: ``check_opset(28, "net.onnx")``, ``check_precision(model, "net.onnx")``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.walk import nodes, tensors

if TYPE_CHECKING:
    import onnx

_LONG_KNOWN = 21
"""An opset that the oldest ONNX Runtime takes which recipebuild runs with: nothing is tried up to it."""

_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinear")
"""How operators on quantized numbers begin."""


def check_opset(opset: int, name: str) -> None:
    """Find that the ONNX Runtime installed here has kernels for ``opset``, those that quantize included.

    Args:
        opset: Of ONNX's own operators.
        name: The model's file, for messages.

    Raises:
        StepError: If it has not.
    """
    if opset <= _LONG_KNOWN or _runs(opset):
        return
    import onnxruntime

    newest = next(known for known in range(opset - 1, 0, -1) if known <= _LONG_KNOWN or _runs(known))
    raise StepError(
        f"{name} is of opset {opset}; ONNX Runtime {onnxruntime.__version__}, which runs it here, takes up to {newest}",
        field="model.source",
        remedy="export it again with another opset, such as 17 (torch.onnx.export: opset_version=17), or try "
        f"onnx.version_converter.convert_version(model, {newest})",
    )


def check_precision(model: onnx.ModelProto, name: str) -> None:
    """Find that the model computes in float32. Weights that are only kept in 16 bits, behind a Cast, will do.

    Raises:
        StepError: If it computes in float16 or bfloat16.
    """
    from onnx import TensorProto

    kinds = {TensorProto.FLOAT16: "float16", TensorProto.BFLOAT16: "bfloat16"}
    half = {tensor.name: kinds[tensor.data_type] for tensor in tensors(model) if tensor.data_type in kinds}
    half |= {
        value.name: kinds[value.type.tensor_type.elem_type]
        for value in model.graph.input
        if value.type.tensor_type.elem_type in kinds
    }
    for node in nodes(model):
        to = next((attribute.i for attribute in node.attribute if attribute.name == "to"), 0)
        if node.op_type == "Cast":
            kind = kinds.get(to)
        else:
            kind = next((half[read] for read in node.input if read in half), None)
        if kind:
            raise StepError(
                f"{name} computes in {kind} ({node.op_type} {node.name or node.output[0]})",
                field="model.source",
                remedy="export it in float32 (PyTorch: model.float() before torch.onnx.export): the chip computes in "
                "integers, and ranges are measured in float32",
            )


def check_float(model: onnx.ModelProto, name: str) -> None:
    """Find that the model is not quantized already: as QDQ, or with operators on integers (QLinearConv).

    Raises:
        StepError: If it is.
    """
    codes = [node for node in nodes(model) if node.op_type.startswith(_QUANTIZED)]
    if codes:
        raise StepError(
            f"{name} is quantized already: {codes[0].op_type} {codes[0].name or codes[0].output[0]} is one of "
            f"{len(codes)} such nodes",
            field="model.source",
            remedy="use the original float model, which a build quantizes for the chip; or have Pulsar2 "
            "keep these scales: pulsar2.model_type: QuantONNX (documented for networks of Conv)",
        )


@functools.cache
def _runs(opset: int) -> bool:
    """Whether ONNX Runtime loads a convolution between the operators that quantize."""
    import onnxruntime
    from onnx import helper, parser

    text = (
        "g (float[1,1,1,1] x, float[1,1,1,1] w, float scale, uint8 zero) => (float[1,1,1,1] y) {"
        "q = QuantizeLinear(x, scale, zero) d = DequantizeLinear(q, scale, zero) y = Conv(d, w) }"
    )
    model = helper.make_model(parser.parse_graph(text), opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception:  # of C++, one kind for each code
        return False
    return True
