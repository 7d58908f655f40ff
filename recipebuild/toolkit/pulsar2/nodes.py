"""Conditions on nodes that the tables of operators name: each gives the reason why it holds, or an empty text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.graph.walk import graphs, nodes

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

_CAST_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")
_SCALES = ("QuantizeLinear", "DequantizeLinear")
"""Of a model that is quantized already: Pulsar2 reads them, and the NPU runs what is between."""

_SMALL = 4096
"""Elements per sample along the normalized axes; the documentation does not say what small is."""

_LONGEST = 65_535
"""The longest side that a Resize was seen to give (GitHub AXERA-TECH/Magnetar, issues)."""


class Look:
    """A model, asked about its nodes.

    Attributes:
        nodes: All of them, those of subgraphs too, without those that only tell the scales of a quantized model.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        from onnx import shape_inference

        try:
            inferred = shape_inference.infer_shapes(model)
        except Exception:
            inferred = model
        self.nodes = [node for node in nodes(inferred) if node.op_type not in _SCALES]
        self._opset = opset_of(inferred)
        self._outputs = {value.name for value in inferred.graph.output}
        self._constants: dict[str, onnx.TensorProto] = {}
        self._shapes: dict[str, list[int]] = {}
        for graph in graphs(inferred.graph):
            self._constants |= {tensor.name: tensor for tensor in graph.initializer}
            for value in (*graph.input, *graph.output, *graph.value_info):
                if value.type.tensor_type.HasField("shape"):
                    self._shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
        made = [node for node in self.nodes if node.op_type == "Constant"]
        self._constants |= {node.output[0]: a.t for node in made for a in node.attribute if a.HasField("t")}
        for node in nodes(inferred):
            if node.op_type in _SCALES and node.input[0] in self._constants:
                self._constants[node.output[0]] = self._constants[node.input[0]]

    @staticmethod
    def name(node: onnx.NodeProto) -> str:
        """What to call it."""
        return node.name or (node.output[0] if node.output else "")

    @staticmethod
    def is_set(node: onnx.NodeProto, attribute: str) -> bool:
        """Whether an attribute is written out."""
        return any(each.name == attribute for each in node.attribute)

    def attribute(self, node: onnx.NodeProto, name: str) -> Any:
        """An attribute's value, ONNX's default if it is not written out; ``None`` if there is no such."""
        from onnx import defs, helper

        for each in node.attribute:
            if each.name == name:
                value = helper.get_attribute_value(each)
                return value.decode() if isinstance(value, bytes) else value
        try:
            schema = defs.get_schema(node.op_type, self._opset)
        except defs.SchemaError:
            return None
        default = schema.attributes[name].default_value if name in schema.attributes else None
        if default is None or not default.name:
            return None
        value = helper.get_attribute_value(default)
        return value.decode() if isinstance(value, bytes) else value

    def input_name(self, node: onnx.NodeProto, at: int) -> str:
        """The name of an input; empty if it is left out."""
        return node.input[at] if at < len(node.input) else ""

    def is_constant(self, node: onnx.NodeProto, at: int) -> bool:
        """Whether an input is there and constant."""
        return self.input_name(node, at) in self._constants

    def array(self, node: onnx.NodeProto, at: int) -> npt.NDArray[Any] | None:
        """A constant input's values; ``None`` if it is none, or they are on disk."""
        from onnx import numpy_helper
        from onnx.external_data_helper import uses_external_data

        tensor = self._constants.get(self.input_name(node, at))
        return None if tensor is None or uses_external_data(tensor) else numpy_helper.to_array(tensor)

    def shape(self, tensor: str) -> list[int] | None:
        """A tensor's sizes, 0 where one is not known; ``None`` if not even the rank is."""
        if tensor in self._constants:
            return list(self._constants[tensor].dims)
        return self._shapes.get(tensor)

    def producer(self, tensor: str) -> onnx.NodeProto | None:
        """The node that makes a tensor."""
        return next((node for node in self.nodes if tensor in node.output), None)

    def is_output(self, node: onnx.NodeProto) -> bool:
        """Whether the node gives an output of the model."""
        return any(name in self._outputs for name in node.output)

    def elem_type(self, node: onnx.NodeProto, at: int) -> int:
        """The element type of a constant input, as ONNX numbers it; 0 if it is none."""
        tensor = self._constants.get(self.input_name(node, at))
        return int(tensor.data_type) if tensor is not None else 0


Condition = Callable[["onnx.NodeProto", Look], str]


def _counts_padding(node: onnx.NodeProto, look: Look) -> str:
    padded = any(look.attribute(node, "pads") or ())
    wrong = padded and look.attribute(node, "count_include_pad") != 1
    return "count_include_pad is 0, and only 1 is taken where there is padding" if wrong else ""


def _cast_types(node: onnx.NodeProto, look: Look) -> str:
    from onnx import helper

    to = str(helper.tensor_dtype_to_np_dtype(look.attribute(node, "to")))
    return "" if to in _CAST_TYPES else f"it casts to {to}, and only {', '.join(_CAST_TYPES)} are taken"


def _dilated_groups(node: onnx.NodeProto, look: Look) -> str:
    dilated = any(each != 1 for each in look.attribute(node, "dilations") or ())
    return "it has groups and a dilation" if dilated and look.attribute(node, "group") != 1 else ""


def _depthwise(node: onnx.NodeProto, look: Look) -> str:
    return "it is depthwise, or has groups" if look.attribute(node, "group") != 1 else ""


def _no_dilation(node: onnx.NodeProto, look: Look) -> str:
    dilations = look.attribute(node, "dilations") or ()
    return f"dilations are {list(dilations)}, and only 1 is taken" if any(each != 1 for each in dilations) else ""


def _output_padding(node: onnx.NodeProto, look: Look) -> str:
    more, pads = look.attribute(node, "output_padding") or [], look.attribute(node, "pads") or []
    ends = list(pads)[len(more) :] or [0] * len(more)
    over = any(extra > end for extra, end in zip(more, ends, strict=False))
    return "output_padding is more than the padding at the end" if over else ""


def _indices_1d(node: onnx.NodeProto, look: Look) -> str:
    shape = look.shape(look.input_name(node, 1))
    if shape is None or len(shape) < 2:
        return ""
    reason = f"its indices have rank {len(shape)}, and only 1 is taken"
    if not look.is_constant(node, 0):
        return reason
    ids = "x".join(map(str, shape))
    return f"{reason}: as an embedding of ids {ids}, feed them as one axis, or look them up in the program"


def _last_axis(node: onnx.NodeProto, look: Look) -> str:
    axis, shape = look.attribute(node, "axis"), look.shape(look.input_name(node, 0))
    last = axis == -1 or (shape is not None and axis == len(shape) - 1)
    return "" if last else f"axis is {axis}, and only the last one is taken"


def _lstm_inputs(node: onnx.NodeProto, look: Look) -> str:
    names = [name for at, name in ((4, "sequence_lens"), (7, "P")) if look.input_name(node, at)]
    return f"{' and '.join(names)} are not taken" if names else ""


def _no_axes_input(node: onnx.NodeProto, look: Look) -> str:
    return "axes are not taken" if look.input_name(node, 3) else ""


def _scalar_exponent(node: onnx.NodeProto, look: Look) -> str:
    shape = look.shape(look.input_name(node, 1)) if look.is_constant(node, 1) else None
    scalar = shape is not None and all(size == 1 for size in shape)
    return "" if scalar else "its exponent is not one constant number"


def _slope_of_channels(node: onnx.NodeProto, look: Look) -> str:
    data, slope = look.shape(look.input_name(node, 0)), look.shape(look.input_name(node, 1))
    if data is None or slope is None or len(data) != 4:
        return ""
    # The documentation says (channel,); ONNX broadcasts that from the right, so (channel, 1, 1) is what it can mean.
    plain = [size for size in slope if size != 1]
    return "" if plain in ([], [data[1]]) else f"its slope has the shape {slope}, and only (1, channel, 1, 1) is taken"


def _nearest_mode(node: onnx.NodeProto, look: Look) -> str:
    if look.attribute(node, "mode") != "nearest":
        return ""
    how = look.attribute(node, "nearest_mode")
    return "" if how == "round_prefer_ceil" else f"nearest_mode is {how}, and only round_prefer_ceil is taken"


def _sampling_ratio(node: onnx.NodeProto, look: Look) -> str:
    return "sampling_ratio is 0, which is not taken" if look.attribute(node, "sampling_ratio") == 0 else ""


def _small_sizes_only(node: onnx.NodeProto, look: Look) -> str:
    shape = look.shape(look.input_name(node, 0)) or []
    along = shape[2:] if node.op_type in ("InstanceNormalization", "SpatialTransformer") else shape[-1:]
    size = 1
    for each in along:
        size *= each
    return f"it works on {size} elements, and the table says: only for small sizes" if size > _SMALL else ""


def _missing(*attributes: str) -> Condition:
    def condition(node: onnx.NodeProto, look: Look) -> str:
        return "left out" if any(not look.is_set(node, name) for name in attributes) else ""

    return condition


def _no_axes(node: onnx.NodeProto, look: Look) -> str:
    return "" if look.is_set(node, "axes") or look.input_name(node, 1) else "left out"


def _live_weight(node: onnx.NodeProto, look: Look) -> str:
    return "" if look.is_constant(node, 1) else "live"


def _rank_1_output(node: onnx.NodeProto, look: Look) -> str:
    shape = look.shape(node.output[0])
    return "rank 1" if shape is not None and len(shape) == 1 else ""


def _scalar_model_output(node: onnx.NodeProto, look: Look) -> str:
    return "rank 0" if look.is_output(node) and any(look.shape(name) == [] for name in node.output) else ""


def _last_by_one(node: onnx.NodeProto, look: Look) -> str:
    values = look.array(node, 1)
    return "by 1" if look.is_output(node) and values is not None and (values == 1).all() else ""


def _nan_guard(node: onnx.NodeProto, look: Look) -> str:
    condition = look.producer(look.input_name(node, 0))
    return "IsNaN" if condition is not None and condition.op_type == "IsNaN" else ""


def _square(node: onnx.NodeProto, look: Look) -> str:
    values = look.array(node, 1)
    return "square" if values is not None and (values == 2).all() else ""


def _from_bfloat16(node: onnx.NodeProto, look: Look) -> str:
    return "bfloat16" if look.elem_type(node, 0) == 16 else ""


def _constant_indices(node: onnx.NodeProto, look: Look) -> str:
    return "constant" if look.is_constant(node, 1) and not look.is_constant(node, 0) else ""


def _long_side(node: onnx.NodeProto, look: Look) -> str:
    return "too long" if any(size > _LONGEST for size in look.shape(node.output[0]) or ()) else ""


def _with_state(node: onnx.NodeProto, look: Look) -> str:
    return "state" if look.input_name(node, 5) or look.input_name(node, 6) else ""


CONDITIONS: dict[str, Condition] = {
    "counts-padding": _counts_padding,
    "cast-types": _cast_types,
    "dilated-groups": _dilated_groups,
    "depthwise": _depthwise,
    "no-dilation": _no_dilation,
    "output-padding": _output_padding,
    "indices-1d": _indices_1d,
    "last-axis": _last_axis,
    "lstm-inputs": _lstm_inputs,
    "no-axes-input": _no_axes_input,
    "scalar-exponent": _scalar_exponent,
    "slope-of-channels": _slope_of_channels,
    "nearest-mode": _nearest_mode,
    "sampling-ratio": _sampling_ratio,
    "small-sizes-only": _small_sizes_only,
    "no-alpha": _missing("alpha"),
    "no-largest-or-sorted": _missing("largest", "sorted"),
    "no-strides-or-pads": _missing("strides", "pads"),
    "no-axes": _no_axes,
    "live-weight": _live_weight,
    "rank-1-output": _rank_1_output,
    "scalar-model-output": _scalar_model_output,
    "last-by-one": _last_by_one,
    "nan-guard": _nan_guard,
    "square": _square,
    "from-bfloat16": _from_bfloat16,
    "constant-indices": _constant_indices,
    "long-side": _long_side,
    "with-state": _with_state,
}
"""By the name that the tables have for it."""
