"""A float model that gives, instead of its outputs, what extra nodes measure in it.

    probe = Probe(model, {"relu_out": [reduce_max_node]}, outputs=["largest"])
    [largest] = probe(batch)

It holds no more in memory than the model itself does when it runs: each measurement is made as soon as its tensor is
there, and the tensor is let go when its last user is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.session_options import session_options

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx
    import onnxruntime

    from recipebuild.toolkit.quantize.dataset import Batch, Feed


class Probe:
    """A session that runs the model together with measuring nodes.

    Args:
        model: The float model.
        after: Measuring nodes by the tensor that they measure.
        outputs: What the nodes compute that is wanted, in the order in which it is to come.
        constants: Initializers that the nodes use.

    Raises:
        StepError: If ONNX Runtime cannot load the model or, when called, run it.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        after: Mapping[str, Sequence[onnx.NodeProto]],
        outputs: Sequence[str],
        constants: Sequence[onnx.TensorProto] = (),
    ) -> None:
        self._outputs = list(outputs)
        self._session = _session(_with_measurements(model, after, outputs, constants))
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: Batch | Feed) -> list[npt.NDArray[Any]]:
        """The measurements for one batch, or one array per input by its name, in the order of ``outputs``."""
        feed = dict(batch) if isinstance(batch, Mapping) else {self._input: batch}
        try:
            return list(self._session.run(self._outputs, feed))
        except Exception as error:  # ONNX Runtime's errors have no other base in common
            raise StepError(f"ONNX Runtime cannot run the model: {reason(error)}") from error


def _with_measurements(
    model: onnx.ModelProto,
    after: Mapping[str, Sequence[onnx.NodeProto]],
    outputs: Sequence[str],
    constants: Sequence[onnx.TensorProto],
) -> onnx.ModelProto:
    """A copy of the model in which each measuring node follows the node whose output it measures."""
    import onnx

    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    graph = probed.graph
    del graph.node[:], graph.output[:], graph.value_info[:]
    for value in graph.input:
        graph.node.extend(after.get(value.name, ()))
    for node in model.graph.node:
        graph.node.append(node)
        for name in node.output:
            graph.node.extend(after.get(name, ()))
    graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs)
    graph.initializer.extend(constants)
    return probed


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    import onnxruntime as ort

    options = session_options()
    # In the graph's own order, not the default one, which leaves the measurements to the end and all tensors alive.
    options.execution_order = ort.ExecutionOrder.PRIORITY_BASED
    options.enable_mem_pattern = False  # it reserves room for all tensors at once
    # As the model was written: a fused operator would hide the tensors inside it.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no other base in common
        raise StepError(f"ONNX Runtime cannot load the model: {reason(error)}") from error
