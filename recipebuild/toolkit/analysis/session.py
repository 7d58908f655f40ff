"""A model in memory, ready to run, that holds no tensor longer than it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.evaluate.device import DeviceSession
from recipebuild.toolkit.graph.session_options import session_options

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    Array = npt.NDArray[Any]


class OrtSession:
    """ONNX Runtime on the CPU, or the step's other device, computing the graph as it is written and in its order.

    Args:
        model: The model.
        outputs: What it is to give.

    Raises:
        StepError: If ONNX Runtime cannot load the model or, when called, run it.
    """

    def __init__(self, model: onnx.ModelProto, outputs: Sequence[str]) -> None:
        import onnxruntime as ort

        options = session_options()
        # The default order leaves measurements to the end, and so all tensors alive.
        options.execution_order = ort.ExecutionOrder.PRIORITY_BASED
        options.enable_mem_pattern = False  # it reserves room for all tensors at once
        # Fused integer kernels would saturate on some CPUs, and hide the tensors inside them.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._outputs = list(outputs)
        try:
            content = model.SerializeToString()
            self._session = DeviceSession(
                lambda providers: ort.InferenceSession(content, options, providers=list(providers))
            )
        except Exception as error:  # ONNX Runtime's errors have no other base in common
            raise StepError(f"ONNX Runtime cannot load the model with measurements: {reason(error)}") from error

    def __call__(self, feeds: Mapping[str, Array]) -> list[Array]:
        """What ``outputs`` names, in that order."""
        try:
            return list(self._session.run(self._outputs, dict(feeds)))
        except Exception as error:  # as above
            raise StepError(f"ONNX Runtime cannot run the model with measurements: {reason(error)}") from error


def feed(model: onnx.ModelProto, batch: Array | Mapping[str, Array]) -> Mapping[str, Array]:
    """What a model is fed: arrays by the names of its inputs, or the array of its only one."""
    return batch if isinstance(batch, Mapping) else {model.graph.input[0].name: batch}


def giving(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy of the model with other outputs, float32."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:], copy.graph.value_info[:]
    copy.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    return copy
