"""Products of 8-bit tensors, summed in integers as the NPU sums them, without dequantizing both sides first.

    sa (A - za) . sb (B - zb) = sa sb sum_k (A_k - za) (B_k - zb)

The sum is exact on every CPU, in any order. ONNX Runtime's ``MatMulIntegerToFloat`` computes it; its operands are made
unsigned, by moving signed codes and their zero points up by 128: with a signed right side, CPUs without VNNI add two
products in 16 bits, which saturate.
Source: ``docs/ContribOperators.md`` and ``docs/execution-providers``, "Quantize ONNX models", of ONNX Runtime.
"""

from __future__ import annotations

import mmap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.model import drop_unused
from recipebuild.toolkit.graph.names import free_name
from recipebuild.toolkit.graph.walk import nodes, tensors

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

LONGEST_SUM = (2**31 - 1) // 255**2
"""How many products of 8-bit codes a sum in 32 bits holds whatever they are: 33,025."""

_DOMAIN = "com.microsoft"


def runnable(path: Path) -> Path | bytes:
    """What ONNX Runtime's CPU sessions are made of: the file, or a quantized model with its products in integers.

    Raises:
        StepError: As ``files.load``.
    """
    from onnx.external_data_helper import uses_external_data

    if not _mentions(path, b"QuantizeLinear"):
        return path
    model = load(path, weights=False)
    # Weights beside the model are looked for from the file.
    if any(uses_external_data(tensor) for tensor in tensors(model)) or not multiply_in_integers(model):
        return path
    content: bytes = model.SerializeToString()
    return content


def multiply_in_integers(model: onnx.ModelProto) -> int:
    """Replace each MatMul of two dequantized 8-bit tensors, in place; the number of them.

    The left side has one scale; the right side has one, or, where it is stored, one for each column. Products are left
    as they are where a size is not known or a sum could overflow (``LONGEST_SUM``).
    """
    codes = _Codes(model)
    count = 0
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.domain == "" and (sides := codes.sides(node)) is not None:
            left, right = (codes.operand(side) for side in sides)
            operands = (left.codes, right.codes, left.scale, right.scale, left.zero_point, right.zero_point)
            node.op_type, node.domain, node.input[:] = "MatMulIntegerToFloat", _DOMAIN, operands
            count += 1
    if count:
        codes.finish()
    return count


@dataclass(frozen=True)
class _Operand:
    """The names of what stands for one side."""

    codes: str
    scale: str
    zero_point: str


class _Codes:
    """A model's codes: who makes them and who takes them, and the same codes unsigned."""

    def __init__(self, model: onnx.ModelProto) -> None:
        import onnx

        self._graph, self._model = model.graph, model
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._maker = {name: node for node in model.graph.node for name in node.output}
        self._users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in nodes(model):
            for name in node.input:
                self._users[name].append(node)
        self._outputs = {value.name for value in model.graph.output}
        self._taken: set[str | None] = {*self._maker, *self._stored, *(value.name for value in model.graph.input)}
        self._operands: dict[str, _Operand] = {}
        self._moved: set[str] = set()
        inferred = onnx.shape_inference.infer_shapes(model).graph
        self._shapes = {
            value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
            for value in (*inferred.value_info, *inferred.input, *inferred.output)
        }

    def sides(self, node: onnx.NodeProto) -> tuple[onnx.NodeProto, onnx.NodeProto] | None:
        """What dequantizes the two sides of a MatMul, if their codes can be multiplied."""
        left, right = (self._maker.get(name) for name in node.input)
        if left is None or right is None or not self._is_plain(left) or not self._is_plain(right):
            return None
        a, b = self._shapes.get(node.input[0], ()), self._shapes.get(node.input[1], ())
        if len(a) < 2 or len(b) < 2 or not 0 < b[-2] <= LONGEST_SUM:
            return None
        if self._scales(left) > 1 or (self._scales(right) > 1 and not self._by_column(right)):
            return None
        return left, right

    def _is_plain(self, node: onnx.NodeProto) -> bool:
        """Whether it dequantizes 8-bit codes with one stored zero point, which can be made unsigned."""
        from onnx import TensorProto

        if node.op_type != "DequantizeLinear" or len(node.input) != 3:
            return False
        scale, zero_point = (self._stored.get(name) for name in node.input[1:])
        if scale is None or zero_point is None or scale.data_type != TensorProto.FLOAT:
            return False
        if len(set(_array(zero_point).flat)) != 1:
            return False
        if zero_point.data_type == TensorProto.UINT8:
            return True
        return zero_point.data_type == TensorProto.INT8 and (
            node.input[0] in self._stored or self._is_movable(node.input[0])
        )

    def _is_movable(self, codes: str) -> bool:
        """Whether a QuantizeLinear makes these codes by its zero point, and nothing but DequantizeLinear takes them."""
        maker = self._maker.get(codes)
        if maker is None or maker.op_type != "QuantizeLinear" or codes in self._outputs:
            return False
        if any(attribute.name == "output_dtype" and attribute.i for attribute in maker.attribute):
            return False
        users = self._users[codes]
        return all(user.op_type == "DequantizeLinear" for user in users) and all(
            len(each.input) == 3 and each.input[2] in self._stored for each in (maker, *users)
        )

    def _scales(self, node: onnx.NodeProto) -> int:
        return int(_array(self._stored[node.input[1]]).size)

    def _by_column(self, node: onnx.NodeProto) -> bool:
        """Whether stored codes have a scale for each column."""
        axes = {attribute.name: attribute.i for attribute in node.attribute}
        rank = len(self._shapes.get(node.output[0], ()))
        return node.input[0] in self._stored and axes.get("axis", 1) % rank == rank - 1 and not axes.get("block_size")

    def operand(self, node: onnx.NodeProto) -> _Operand:
        """What stands for a side, instead of what dequantizes it."""
        name = node.output[0]
        if name not in self._operands:
            stored = node.input[0] in self._stored
            self._operands[name] = self._stored_operand(node) if stored else self._computed_operand(node)
        return self._operands[name]

    def _stored_operand(self, node: onnx.NodeProto) -> _Operand:
        import numpy as np

        codes, scale, zero_point = (_array(self._stored[name]) for name in node.input)
        up = 128 if codes.dtype == np.int8 else 0
        if scale.size > 1 and codes.ndim > 2:  # a row for each of the matrices
            scale = np.broadcast_to(scale, (*codes.shape[:-2], 1, codes.shape[-1]))
        return _Operand(
            self._store(f"{node.input[0]}_unsigned", (codes.astype(np.int16) + up).astype(np.uint8)),
            self._store(f"{node.input[1]}_row", np.ascontiguousarray(scale)),
            self._store(f"{node.input[2]}_one", np.uint8(zero_point.flat[0].astype(np.int16) + up)),
        )

    def _computed_operand(self, node: onnx.NodeProto) -> _Operand:
        import numpy as np

        codes = node.input[0]
        if _array(self._stored[node.input[2]]).dtype == np.int8:
            for each in (self._maker[codes], *self._users[codes]):
                zero_point = _array(self._stored[each.input[2]]).astype(np.int16) + 128
                each.input[2] = self._store(f"{each.input[2]}_unsigned", zero_point.astype(np.uint8))
            self._moved.add(codes)
        return _Operand(codes, node.input[1], node.input[2])

    def _store(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        free = free_name(name, self._taken)
        self._stored[free] = numpy_helper.from_array(value, free)
        self._graph.initializer.append(self._stored[free])
        return free

    def finish(self) -> None:
        """Drop what nobody takes any more, and say whose operators the model has now."""
        graph = self._graph
        taken = {name for node in nodes(self._model) for name in node.input} | self._outputs
        kept = [node for node in graph.node if node.op_type != "DequantizeLinear" or node.output[0] in taken]
        described = [value for value in graph.value_info if value.name not in self._moved]  # else they say: signed
        del graph.node[:], graph.value_info[:]
        graph.node.extend(kept)
        graph.value_info.extend(described)
        drop_unused(self._model)
        if all(opset.domain != _DOMAIN for opset in self._model.opset_import):
            self._model.opset_import.add(domain=_DOMAIN, version=1)


def _array(tensor: onnx.TensorProto) -> npt.NDArray[Any]:
    from onnx import numpy_helper

    array: npt.NDArray[Any] = numpy_helper.to_array(tensor)
    return array


def _mentions(path: Path, word: bytes) -> bool:
    """Whether a file has ``word`` in it: names of operators stand in ONNX files as they are."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(word) >= 0
