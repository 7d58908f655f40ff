"""What comes after the network's last layer: class ids by ArgMax, a mask by a threshold, or nothing.

Use: ``add_argmax(model, Head())`` for a model with one output of static shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.logit import logit
from recipebuild.toolkit.graph.statistics import Tensor, outputs

if TYPE_CHECKING:
    import onnx


class Head(BaseModel):
    """A recipe's head.

    Attributes:
        kind: ``argmax``; ``threshold`` for a network of one class; or ``none`` for the network's own outputs.
        axis: The axis of the classes; negative counts from the end.
        keepdims: Keep that axis, with size 1.
        output: Name of the tensor of class ids.
        keep_logits: Give ``[logits, class ids]``, in this order, and not only class ids.
        before_resize: Leave out the Resize that enlarges the logits at the end of the network.
        threshold: With ``threshold``: the probability (0..1) above which a pixel is of the class.
        add_axis: With ``none``: where the first output gets an axis of size 1; ``None`` for nowhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["argmax", "threshold", "none"] = "argmax"
    axis: int = 1
    keepdims: bool = True
    output: str = Field(default="argmax_output", min_length=1)
    keep_logits: bool = False
    before_resize: bool = False
    threshold: float = Field(default=0.5, gt=0, lt=1)
    add_axis: int | None = None


def add_argmax(model: onnx.ModelProto, head: Head) -> onnx.ModelProto:
    """A copy of ``model`` that gives class ids: int64, the logits' shape with ``head.axis`` of size 1 (or gone).

    Among equal logits the first class wins. All attributes are written out, as Pulsar2 does not apply ONNX's defaults
    (``select_last_index`` exists from opset 12 on). Everything else in the model stays as it is.

    Raises:
        StepError: If the model has several outputs or one of unknown size, if it has no such axis, or if the new
            output has a name that is taken.
    """
    import numpy as np
    import onnx_graphsurgeon as gs

    axis, shape = _class_axis(model, head)
    graph = gs.import_onnx(model)
    _check_name(model, head.output)
    logits = graph.outputs[0]
    ids = gs.Variable(head.output, dtype=np.int64, shape=shape)
    attributes = {"axis": axis, "keepdims": int(head.keepdims)}
    if graph.opset >= 12:
        attributes["select_last_index"] = 0
    argmax = gs.Node("ArgMax", name=head.output, attrs=attributes, inputs=[logits], outputs=[ids])
    added = gs.export_onnx(gs.Graph(nodes=[argmax], inputs=[logits], outputs=[ids], opset=graph.opset)).graph
    # Only what is new is taken over: exporting the whole graph would drop the nodes' metadata, among other things.
    result = type(model)()
    result.CopyFrom(model)
    result.graph.node.extend(added.node)
    if not head.keep_logits:
        result.graph.value_info.extend(model.graph.output)
        del result.graph.output[:]
    result.graph.output.extend(added.output)
    return result


def add_threshold(model: onnx.ModelProto, head: Head) -> onnx.ModelProto:
    """A copy of ``model`` that gives a mask: int32 of the logits' shape, 1 where sigmoid(logit) > ``head.threshold``.

    The logits are compared with ``logit(threshold)``, the same without a Sigmoid. NPUs do not cast to int64.

    Raises:
        StepError: If the model has several outputs or one of unknown size, if it tells several classes apart, or if
            the new output has a name that is taken.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    logits = _only_output(model, "a threshold")
    sizes = list(logits.sizes or ())
    if len(sizes) < 2 or sizes[1] != 1:
        raise StepError(
            f"a threshold is for one class, and the model gives {logits}", field="head.kind", remedy="kind: argmax"
        )
    _check_name(model, head.output)
    cut, above = f"{head.output}_logit", f"{head.output}_above"
    result = type(model)()
    result.CopyFrom(model)
    graph = result.graph
    graph.initializer.append(numpy_helper.from_array(np.array(logit(head.threshold), np.float32), cut))
    graph.node.append(helper.make_node("Greater", [logits.name, cut], [above], above))
    graph.node.append(helper.make_node("Cast", [above], [head.output], head.output, to=TensorProto.INT32))
    graph.value_info.append(helper.make_tensor_value_info(above, TensorProto.BOOL, sizes))
    graph.value_info.extend(model.graph.output)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(head.output, TensorProto.INT32, sizes))
    return result


def add_axis(model: onnx.ModelProto, axis: int) -> onnx.ModelProto:
    """A copy of ``model`` whose first output has one more axis, of size 1; its name ends in ``_map``.

    Raises:
        StepError: If the output is of unknown size, or has no such axis.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    first = outputs(model)[0]
    sizes = first.sizes
    if sizes is None or axis > len(sizes):
        raise StepError(
            f"{axis} does not go with the model's output {first}",
            field="head.add_axis",
            remedy="leave it out, or export the model with a static shape",
        )
    shape = [*sizes[:axis], 1, *sizes[axis:]]
    name = f"{first.name}_map"
    _check_name(model, name)
    result = type(model)()
    result.CopyFrom(model)
    graph = result.graph
    old = graph.output[0]
    graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), f"{name}_shape"))
    graph.node.append(helper.make_node("Reshape", [first.name, f"{name}_shape"], [name], name))
    new = helper.make_tensor_value_info(name, old.type.tensor_type.elem_type, shape)
    graph.value_info.append(old)
    old.CopyFrom(new)
    return result


def _class_axis(model: onnx.ModelProto, head: Head) -> tuple[int, list[int]]:
    """The axis, counted from the front, and the shape of the class ids."""
    logits = _only_output(model, "an ArgMax")
    sizes = logits.sizes or ()
    if not -len(sizes) <= head.axis < len(sizes):
        raise StepError(
            f"{head.axis} is out of range for the model's output {logits}",
            field="head.axis",
            remedy=f"choose one of its {len(sizes)} axes, counted from 0, or set head: {{kind: none}}",
        )
    axis = head.axis % len(sizes)
    if sizes[axis] == 1:
        raise StepError(
            f"an ArgMax over one class is 0 everywhere: the model gives {logits}",
            field="head.kind",
            remedy="head: {kind: threshold} gives 1 where sigmoid(logit) > 0.5, else 0",
        )
    return axis, [*sizes[:axis], *([1] if head.keepdims else []), *sizes[axis + 1 :]]


def _only_output(model: onnx.ModelProto, what: str) -> Tensor:
    """The one output, whose size is known."""
    tensors = outputs(model)
    named = ", ".join(map(str, tensors))
    if len(tensors) != 1:
        raise StepError(
            f"{what} needs a model with one output, this one has {len(tensors)}: {named}",
            remedy="export only the logits, or set head: {kind: none}",
        )
    if tensors[0].sizes is None:
        raise StepError(
            f"{what} needs an output of static shape, not {named}",
            remedy="export the model with a static shape: an operator in it makes sizes that depend on its input",
        )
    return tensors[0]


def _check_name(model: onnx.ModelProto, name: str) -> None:
    """Find that no tensor of the model has ``name``."""
    graph = model.graph
    taken = {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    taken.update(output for node in graph.node for output in node.output)
    if name in taken:
        raise StepError(
            f"the model already has a tensor named {name}", field="head.output", remedy="choose another name"
        )
