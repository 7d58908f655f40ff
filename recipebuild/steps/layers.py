"""layers: where the quantized model loses accuracy: each tensor compared with the float model's.

Inputs: model (model.onnx), config (the model's config.json, optional), quantized (quantized.onnx), calibration
(tar of images) and samples (tar of other inputs), one of them or both.
Outputs: layers.json, and layers.png where the model gives a map.

``layers.json``:

    images            how many images were compared; 0, and nothing else, for models over 2 GiB
    output            the compared tensor (logits, features): ``tensor``, ``cosine``, ``snr_db``, ``mse``, and
                      ``agreement``: the share of equal ArgMax, 0..1, ``null`` without classes
    outputs           ``tensor``, ``cosine``, ``snr_db`` and ``mse`` of each float output of the model
    tensors           one entry for each activation, the worst first:
        tensor        its name in model.onnx
        layer         the name of the node that gives it, ``null`` for the input
        operator      its operator
        module        the PyTorch module that it comes from, ``null`` if the exporter did not say
        low, high     its smallest and largest value
        outlier       log2 of its largest channel's max|x| over the median channel's: bits that outliers cost the others
        alone         ``cosine``, ``snr_db`` and ``mse`` of the layer by itself, on the float model's tensors
                      (Pulsar2's PerLayer): what this layer loses; the order of the entries is that of this ``snr_db``
        end_to_end    the same with all that was lost before (Pulsar2's EndToEnd)

``snr_db`` is ``null`` where both are equal, ``cosine`` where one is all zero.
``layers.png``: the region where the two models differ most, of the image where they do: image, float, quantized,
difference.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.figures.layers import Layers
from recipebuild.figures.values import as_json
from recipebuild.steps.compile_onnxruntime import Smooth
from recipebuild.toolkit.analysis.channels import other_axes
from recipebuild.toolkit.analysis.compared import Compared, both, compared
from recipebuild.toolkit.analysis.layerwise import Error, LayerError, layer_errors
from recipebuild.toolkit.analysis.pair import load_pair
from recipebuild.toolkit.analysis.worst import Region, draw, worst_region
from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.graph.layers import modules_of
from recipebuild.toolkit.quantize.dataset import CalibrationSet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    Batch = npt.NDArray[np.float32]

_NAMED = 5
_LAYERWISE_SHARE = 0.8
"""Of the step's time, roughly."""


class Params(BaseModel):
    """What is compared, on what.

    Attributes:
        input: What the model expects of an image; ``None`` if it takes none.
        images: How many samples of the calibration set to take.
        class_axis: The axis of the classes in the model's output, where it is no ArgMax; ``None`` if it has none.
        smooth_quant: How outliers were moved before the model was quantized; ``None`` if they were not.
        labels: What the classes are called; ``None`` as the model tells. Classes of Cityscapes have its colours.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec | None
    images: int = Field(default=2, ge=1)
    class_axis: int | None = None
    smooth_quant: Smooth | None = None
    labels: list[str] | None = None
    device: str = CPU


@on_device
def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Compare all tensors; write what was found, the worst first.

    Returns:
        ``images``, ``snr_db`` and ``agreement`` of the output, and ``worst``: of the five layers that lose most,
        ``layer``, ``module`` and ``snr_db``.

    Raises:
        StepError: If ONNX Runtime cannot run the models side by side, or there are other classes than labels.
    """
    smooth = params.smooth_quant.values if params.smooth_quant else None
    calibration = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    pair = load_pair(inputs["model"], inputs["quantized"], calibration, smooth)
    if pair is None:
        return _too_large(out)
    model, quantized, twins = pair.model, pair.quantized, pair.twins
    output = compared(model, twins, params.class_axis)
    fed = list(itertools.islice(calibration, params.images))

    def on_batch(done: int) -> None:
        progress(_LAYERWISE_SHARE * done / len(fed), f"sample {done} of {len(fed)}")

    errors = layer_errors(model, quantized, twins, other_axes(model), fed, on_batch)
    names = partial(class_names, labels=params.labels, config=inputs.get("config"))
    region, place, agreement = _worst(model, quantized, output, fed, names)
    if region is not None and "calibration" in inputs:
        _, image = next(itertools.islice(read_archive(inputs["calibration"]), place, None))
        draw(image, region).save(out / "layers.png")
    rows = _rows(model, errors)
    last = errors[output.twin.tensor].end_to_end
    named = [value.name for value in model.graph.output if value.name in errors]
    outputs = [{"tensor": name, **_figures(errors[name].end_to_end)} for name in named]
    report = {
        "images": len(fed),
        "output": {"tensor": output.twin.tensor, **_figures(last), "agreement": agreement},
        "outputs": outputs,
        "tensors": rows,
    }
    (out / "layers.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    worst = [{"layer": r["layer"], "module": r["module"], "snr_db": r["alone"]["snr_db"]} for r in rows[:_NAMED]]
    return as_json(
        Layers(
            images=len(fed),
            snr_db=last.snr_db,
            agreement=agreement,
            worst=worst,
            outputs=outputs if len(outputs) > 1 else (),
        )
    )


def _too_large(out: Path) -> dict[str, Any]:
    (out / "layers.json").write_text('{"images": 0, "output": null, "outputs": [], "tensors": []}\n', encoding="utf-8")
    warning = "RB507 the float and the quantized model have over 2 GiB together: their layers are not compared"
    return as_json(Layers(images=0, snr_db=None, agreement=None, worst=[], warnings=[warning]))


def _rows(model: onnx.ModelProto, errors: Mapping[str, LayerError]) -> list[dict[str, Any]]:
    """The entries of ``layers.json``, the noisiest layer first; of equals the first in the graph."""
    makers = {name: node for node in model.graph.node for name in node.output}
    modules = modules_of(model)
    rows = []
    for name, error in sorted(errors.items(), key=lambda item: -float(f"{item[1].alone.noise:.3g}")):
        node = makers.get(name)
        rows.append(
            {
                "tensor": name,
                "layer": node.name if node else None,
                "operator": node.op_type if node else None,
                "module": modules.get(node.name) if node else None,
                "low": error.low,
                "high": error.high,
                "outlier": error.outlier,
                "alone": _figures(error.alone),
                "end_to_end": _figures(error.end_to_end),
            }
        )
    return rows


def _figures(error: Error) -> dict[str, float | None]:
    return {"cosine": error.cosine, "snr_db": error.snr_db, "mse": error.mse}


def _worst(
    model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    output: Compared,
    batches: Iterable[Batch | Mapping[str, Any]],
    names: Callable[[int], list[str]],
) -> tuple[Region | None, int, float | None]:
    """The worst region and the number of its image, and the share of equal ArgMax over all of them."""
    axis = output.class_axis
    worst: Region | None = None
    place = same = total = 0
    for number, (expected, got) in enumerate(both(model, quantized, output, batches)):
        labels = palette(names(expected.shape[axis])) if axis is not None else ()
        region = worst_region(expected, got, axis, labels)
        if region is not None and (worst is None or region.loss > worst.loss):
            worst, place = region, number
        if axis is not None:
            equal = expected.argmax(axis) == got.argmax(axis)
            same, total = same + int(equal.sum()), total + equal.size
    return worst, place, round(same / total, 6) if total else None
