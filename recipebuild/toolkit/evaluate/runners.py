"""What answers for an image: an ONNX model, any other model that takes batches, or answers that were kept.

Use: ``run = onnx_runner(open_model(path), spec, task)``, then ``run(image, "street-03").ids``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.answers import Answer, answer
from recipebuild.toolkit.evaluate.device import CPU_ONLY, DeviceSession
from recipebuild.toolkit.evaluate.integer_products import runnable
from recipebuild.toolkit.evaluate.recorded import Recorded
from recipebuild.toolkit.graph.session_options import session_options

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnxruntime
    from PIL import Image

    from recipebuild.toolkit.evaluate.device import Providers

    Array = npt.NDArray[Any]
    Run = Callable[[Image.Image, str], Answer]


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to run.

    Attributes:
        name: What messages call it.
        session: Its ONNX Runtime session, on the step's device.
    """

    name: str
    session: DeviceSession


def open_model(path: Path) -> LoadedModel:
    """Load the ONNX model at ``path``, for the CPU or the step's other device.

    Raises:
        StepError: If ONNX Runtime cannot load it.
    """
    import onnxruntime as ort

    options = session_options()
    # A QDQ model must be computed as it is written: integers in its products, float between its quantizers. By default
    # ONNX Runtime's integer kernels saturate in 16 bits on CPUs without VNNI: figures would depend on the machine.
    options.add_session_config_entry("session.disable_quant_qdq", "1")

    def session(providers: Providers) -> onnxruntime.InferenceSession:
        model = runnable(path) if tuple(providers) == CPU_ONLY else path
        return ort.InferenceSession(model, options, providers=list(providers))

    try:
        return LoadedModel(path.name, DeviceSession(session))
    except StepError:
        raise
    except Exception as error:  # ONNX Runtime's errors have no other base in common
        raise StepError(f"ONNX Runtime cannot load {path.name}: {reason(error)}") from error


def outputs_of(model: LoadedModel, image: Image.Image, spec: ImageSpec) -> list[Array]:
    """What the model gives for one image, with which a batch is filled.

    Raises:
        StepError: If the model does not take this input.
    """
    return outputs_of_feed(model, {spec.name: batch(image, spec)})


def outputs_of_feed(model: LoadedModel, feed: Mapping[str, Array]) -> list[Array]:
    """What the model gives for arrays by the names of its inputs.

    Raises:
        StepError: If the model does not take them.
    """
    try:
        outputs: list[Array] = model.session.run(None, dict(feed))
    except Exception as error:  # as above
        raise StepError(f"ONNX Runtime cannot run {model.name}: {reason(error)}") from error
    return outputs


def batch(image: Image.Image, spec: ImageSpec) -> Array:
    """The preprocessed image, float32 ``[N, 3, H, W]``: a batch repeats it."""
    return preprocess(image, spec).repeat(spec.shape[0], axis=0)


def onnx_runner(model: LoadedModel, spec: ImageSpec, task: str, *, cut: float = 0.0, axis: int = 1) -> Run:
    """What answers with an ONNX model; ``cut`` and ``axis`` as of ``answer``."""
    return lambda image, _: answer(outputs_of(model, image, spec), task, model.name, cut=cut, axis=axis)


def fed_runner(
    model: LoadedModel, feed: Callable[[str], Mapping[str, Array]], task: str, *, cut: float = 0.0, axis: int = 1
) -> Run:
    """The same, where ``feed`` gives what the model is fed for the sample of a name."""
    return lambda _, sample: answer(outputs_of_feed(model, feed(sample)), task, model.name, cut=cut, axis=axis)


def recorded_runner(path: Path, task: str, *, cut: float = 0.0, axis: int = 1) -> Run:
    """What answers with the outputs in a tar that ``write_outputs`` made; ``cut`` and ``axis`` as of ``answer``."""
    kept = Recorded(path)
    return lambda _, sample: answer(kept.outputs(sample), task, kept.name, cut=cut, axis=axis)
