"""``model.json``: what a program must know to run the model, and nothing that it could not know from it.

Use: ``interface(compiled, task, spec, runtime, labels(names, task))``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import CheckError, StepError
from recipebuild.facts.detectors import DETECTORS
from recipebuild.facts.tasks import CLASSIFICATION, DETECTION, SEGMENTATION, TASKS
from recipebuild.formats import VERSIONS
from recipebuild.toolkit.calibration.spec import YUV, Runtime, YuvConversion
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.evaluate.output_order import axes_of
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.statistics import inputs as model_inputs
from recipebuild.toolkit.graph.statistics import outputs as model_outputs

if TYPE_CHECKING:
    import onnx

    from recipebuild.facts.runners import Runner
    from recipebuild.toolkit.calibration.spec import ImageSpec
    from recipebuild.toolkit.graph.statistics import Tensor

_NONE: Mapping[str, Any] = {}
RESIZE = "bilinear, antialiased (Pillow's BILINEAR)"


def interface(
    compiled: Path,
    task: str,
    spec: ImageSpec | None,
    runtime: Runtime,
    labels: list[dict[str, Any]],
    network: ImageSpec | None = None,
    *,
    permuted: Mapping[str, Sequence[int]] = _NONE,
    feedback: Mapping[str, str] = _NONE,
) -> dict[str, Any]:
    """Input, outputs and labels of a compiled model, as JSON values.

    An ``.axmodel`` is an ONNX file, so its inputs and outputs are read from it, too. Its mean and std are inside, and
    its integers are int32 on the NPU, whatever they are in ONNX (int64).

    Args:
        compiled: The ``.axmodel``, or the quantized ONNX model.
        task: What the network does.
        spec: What the compiled model expects of an image; ``None`` if it takes none.
        runtime: What it is fed on the board; a model for the host takes what the network takes.
        labels: The classes.
        network: Of image-to-image: the network's input, as which its output is to be read.
        permuted: In which order of axes an ``.axmodel`` gives outputs, by name.
        feedback: Of a model with a state: which output is fed back to an input, by inputs.

    Raises:
        StepError: If the model has no such input.
    """
    on_npu = compiled.suffix == ".axmodel"
    model = load(compiled, weights=False)
    fed = runtime if on_npu else Runtime(dtype="FP32", layout="NCHW", normalized=True)
    others = [{**each, **_fed_back(feedback.get(each["name"]))} for each in _others(model, spec, on_npu)]
    return {
        "version": VERSIONS["model"],
        "model": compiled.name,
        "task": task,
        "input": _image(model, compiled.name, spec, fed) if spec else None,
        **({"more_inputs": others} if others else {}),
        "outputs": [
            _output(tensor, task, on_npu, network) | _permuted(tensor, permuted if on_npu else {})
            for tensor in model_outputs(model)
        ],
        "labels": labels,
    }


def _image(model: onnx.ModelProto, file: str, spec: ImageSpec, fed: Runtime) -> dict[str, Any]:
    """The input that is an image."""
    tensor = next((tensor for tensor in model_inputs(model) if tensor.name == spec.name), None)
    if tensor is None:
        named = ", ".join(tensor.name for tensor in model_inputs(model))
        raise StepError(f"{file} has no input {spec.name}, but {named}", remedy="correct input.name")
    _, _, height, width = spec.shape
    return {
        "name": tensor.name,
        "shape": list(tensor.shape or ()),
        "dtype": tensor.dtype,
        "layout": fed.layout,
        "height": height,
        "width": width,
        "color": fed.format if fed.format in YUV else spec.color,
        **_conversion(fed, spec),
        "mean": list(spec.mean),
        "std": list(spec.std),
        "normalized_by": "program" if fed.normalized else "model",
        "resize": RESIZE,
        **_letterbox(spec),
        **({"more_shapes": [list(shape) for shape in fed.extra_shapes]} if fed.extra_shapes else {}),
    }


def _letterbox(spec: ImageSpec) -> dict[str, Any]:
    """How an image lies in the input, where it keeps its aspect ratio."""
    return {"letterbox": {"pad_value": spec.pad_value, "align": spec.align}} if spec.resize == "letterbox" else {}


def detector_values(detector: Detector) -> dict[str, Any]:
    """What ``decode.py`` and ``nms.py`` of a bundle take, as JSON values."""
    return {
        **detector.model_dump(mode="json", exclude={"anchors"}),
        "nms": DETECTORS[detector.kind].nms,
        "anchors": detector.anchors or (),
    }


def _others(model: onnx.ModelProto, spec: ImageSpec | None, on_npu: bool) -> list[dict[str, Any]]:
    """The inputs that are no image; they are taken as they are."""
    others = [tensor for tensor in model_inputs(model) if spec is None or tensor.name != spec.name]
    return [{"name": each.name, "shape": list(each.shape or ()), "dtype": _dtype(each, on_npu)} for each in others]


def _fed_back(output: str | None) -> dict[str, str]:
    """Of a state: the output that is fed back to it with the next sample; with the first one it is zeros."""
    return {"feedback": output} if output else {}


def _dtype(tensor: Tensor, on_npu: bool) -> str:
    """Its element type; the NPU has no integers of 64 bits."""
    return "int32" if on_npu and tensor.dtype == "int64" else tensor.dtype


def _conversion(fed: Runtime, spec: ImageSpec) -> dict[str, Any]:
    """How the model makes the network's colours of YUV."""
    if fed.format not in YUV:
        return {}
    csc = fed.csc or YuvConversion()
    matrix = {"csc_mat": list(csc.matrix)} if csc.matrix else {}
    return {"csc_mode": csc.mode, **matrix, "network_color": spec.color}


def labels(names: Sequence[str], task: str) -> list[dict[str, Any]]:
    """The classes: ids, names, and colours where they are painted; none where the task has none."""
    if task == CLASSIFICATION:
        return [{"id": i, "name": name} for i, name in enumerate(names)]
    if task in (SEGMENTATION, DETECTION):
        return [{"id": i, "name": label.name, "color": list(label.color)} for i, label in enumerate(palette(names))]
    return []


def check_runner(runner: Runner, described: Mapping[str, Any]) -> None:
    """Find that the model gives what the board's program reads.

    Raises:
        CheckError: If it has other outputs, or class ids of another size.
    """
    outputs = described["outputs"]
    if len(outputs) != len(runner.outputs):
        raise CheckError(
            f"{runner.name} reads {len(runner.outputs)} outputs ({', '.join(runner.outputs)}), the model has "
            f"{len(outputs)}: {', '.join(output['name'] for output in outputs)}",
            remedy="remove board.runner, or give the model the outputs that it reads",
        )
    sizes = [size for size in outputs[0]["shape"] if size != 1]
    wrong = {
        "features": runner.places is not None and sizes[:1] != [runner.places],
        "depth": len(sizes) != 2 or len(outputs[0]["shape"]) != 4,  # it takes axes 2 and 3
    }.get(runner.outputs[0], False)
    if wrong:
        wanted_shape = f"[1, {runner.places}, C]" if runner.places else "one map, [1, 1, H, W]"
        raise CheckError(
            f"{runner.name} reads {wanted_shape}, the model gives {outputs[0]['shape']}",
            remedy="remove board.runner, or give the model the output that it reads",
        )
    if "class_ids" in runner.outputs:
        ids = outputs[runner.outputs.index("class_ids")]
        wanted = [described["input"]["height"] // runner.scale, described["input"]["width"] // runner.scale]
        if ids["shape"][-2:] != wanted:
            raise CheckError(
                f"{runner.name} reads class ids of {wanted[0]}x{wanted[1]}, the model gives {ids['shape']}",
                remedy="remove board.runner: it takes models whose output is a quarter of their input",
            )


def _permuted(tensor: Tensor, permuted: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    axes = axes_of(tensor.name, permuted)
    return {"permuted": list(axes)} if len(axes) == len(tensor.shape or ()) > 0 else {}


def _output(tensor: Tensor, task: str, on_npu: bool, network: ImageSpec | None) -> dict[str, Any]:
    dtype = _dtype(tensor, on_npu)
    meaning = TASKS[task].meaning
    if task == SEGMENTATION:
        meaning = "class ids" if dtype.startswith("int") else "logits"
    colours = network.model_dump(mode="json", include={"color", "mean", "std"}) if network else {}
    return {"name": tensor.name, "shape": list(tensor.shape or ()), "dtype": dtype, "meaning": meaning, **colours}
