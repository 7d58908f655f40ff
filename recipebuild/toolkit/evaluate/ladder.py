"""The ladder: a rung for each thing that can lose accuracy, each compared with the one before it on the same images.

    PyTorch, own preprocessor -> PyTorch -> export -> simplify -> rewrite -> (equalize) -> (channels) -> head
        -> quantized
        -> quantization (Reference) -> compiler (NPUBackend) -> firmware (board), of what Pulsar2 compiled

Use: ``climb(count([("pytorch", answers), ("export", answers), ...], truths, how), how, metric)``. What the rows say is
in ``rung_verdict.py``. ``verify`` goes up the same rungs on two images, before anything is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.detection.precision import ImageMatches
from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.measure import ImageScores, Measurement, image_scores
from recipebuild.toolkit.evaluate.noise import difference, interval
from recipebuild.toolkit.evaluate.scores import Fidelity

if TYPE_CHECKING:
    Row = dict[str, Any]

_DIGITS = 6
_ERROR = "the graph computes something else now: "


@dataclass(frozen=True)
class Rung:
    """One of the things that a model goes through.

    Attributes:
        title: What people call it.
        input: Where its model is among the inputs of a step.
        remedy: What to do where it loses accuracy.
        checked: Whether ``verify`` holds it against the model that the recipe starts from.
        fed: Whether it takes what the board feeds, in its order of channels.
    """

    title: str
    input: str
    remedy: str
    checked: bool = True
    fed: bool = False


_GRAPH = "try another export.exporter (dynamo, torchscript) or export.opset; for an ONNX source, export that anew"

RUNGS = {
    "preprocessor": Rung("PyTorch, own preprocessor", "model", "", checked=False),
    "pytorch": Rung(
        "PyTorch, recipe's input",
        "model",
        "compare input.mean, input.std, input.color and input.shape with preprocessor_config.json; a recipe scales "
        "bilinearly to input.shape and crops nothing",
        checked=False,
    ),
    "reference": Rung("ONNX, as given", "reference", "", checked=False),
    "export": Rung("exported", "export", _ERROR + _GRAPH),
    "simplify": Rung("simplified", "simplified", _ERROR + _GRAPH),
    "rewrite": Rung("rewritten", "rewritten", _ERROR + "rewrite.enabled: false leaves the rewrites out"),
    "equalize": Rung("equalized", "equalized", _ERROR + "equalize: each of its techniques can be turned off"),
    "channels": Rung("channels exchanged", "channels", _ERROR + "target.runtime_input.format", fed=True),
    "head": Rung(
        "with head",
        "head",
        _ERROR + "head.axis, which must be that of the classes, and head.before_resize",
        fed=True,
    ),
    "quantized": Rung(
        "quantized (host)",
        "quantized",
        "try equalize: {}, quantization.method, a larger calibration set like the dataset, and 16 bits for the "
        "layers that lose most (quantization.layers)",
        checked=False,
        fed=True,
    ),
    "emulated": Rung(
        "quantization (Reference)",
        "reference_predictions",
        "try equalize: {}, quantization.method, more calibration images, and 16 bits for the layers that lose most "
        "(quantization.layers)",
        checked=False,
        fed=True,
    ),
    "simulated": Rung(
        "compiler (NPUBackend)",
        "predictions",
        "take 16-bit operators of quantization.layers back to 8 bits one by one; try compiler.check: 3, and another "
        "pulsar2.version",
        checked=False,
        fed=True,
    ),
    "board": Rung(
        "firmware (board)",
        "board",
        "run board doctor: it holds driver and runtime against the Pulsar2 that compiled the model; and see "
        "target.runtime_input",
        checked=False,
        fed=True,
    ),
}
"""In their order; a build has those whose input is there. The last three part what is lost behind the head:
Reference runs the quantized model on the host's operators, NPUBackend the compiled one as the NPU would, which the
board must equal (pages user_guides_advanced/advanced_run_guides and other_tools/ax_run_model)."""


@dataclass(frozen=True)
class RungCounts:
    """What one rung came to, whatever metric counts.

    Attributes:
        rung: Its name.
        counts: What each image adds: float64 ``[k]``, or of detectors its matches.
        distance: How far its answers are from those of the rung before; ``None`` of the first.
    """

    rung: str
    counts: Sequence[Any]
    distance: Row | None

    def as_json(self) -> Row:
        """As JSON values."""
        counts = [each.as_json() if isinstance(each, ImageMatches) else each.tolist() for each in self.counts]
        return {"rung": self.rung, "counts": counts, "distance": self.distance}

    @classmethod
    def from_json(cls, values: Row) -> RungCounts:
        """What ``as_json`` gave."""
        import numpy as np

        counts = [ImageMatches.from_json(each) if isinstance(each, dict) else np.array(each, np.float64)
                  for each in values["counts"]]  # fmt: skip
        return cls(values["rung"], counts, values["distance"])


def count(
    answers: Iterable[tuple[str, Sequence[Answer]]], truths: Sequence[Any], how: Measurement
) -> Iterator[RungCounts]:
    """What each rung came to; the answers of two rungs are in memory at a time.

    Args:
        answers: Rungs in order, with the answers for every image.
        truths: What is true of every image; without labels this is not looked at.
        how: How answers are judged.
    """
    before: Sequence[Answer] | None = None
    for rung, here in answers:
        if before is None and not how.labelled:
            truths = here
        counts = [how.score.count(truth, predicted) for truth, predicted in zip(truths, here, strict=True)]
        yield RungCounts(rung, counts, None if before is None else _distance(before, here))
        before = here


def alike(rungs: Sequence[RungCounts]) -> bool:
    """Whether each rung gives what the one before gives, but for rounding: ``verify``'s own bounds."""
    return all(rung.distance is not None and _rounding(rung.distance) for rung in rungs[1:])


def _rounding(distance: Row) -> bool:
    same, error = distance["same"], distance["largest_error"]
    return (same, error) != (None, None) and (same is None or same >= 0.999) and (error is None or error <= 1e-3)


def climb(rungs: Iterable[RungCounts], how: Measurement, metric: str) -> Iterator[Row]:
    """The row of each rung.

    Args:
        rungs: In order.
        how: How answers were judged.
        metric: The figure that counts.
    """
    before: ImageScores | None = None
    for rung in rungs:
        here = image_scores(rung.counts, how.score)
        row = {"rung": rung.rung, "title": RUNGS[rung.rung].title, **_own(here, metric)}
        if before is not None:
            row |= _against(before, here, metric) | (rung.distance or {})
        yield row
        before = here


def _own(here: ImageScores, metric: str) -> Row:
    figures = {name: round(value, _DIGITS) for name, value in here.figures().items()}
    bounds = interval(here.counts, here.figure(metric))
    return {**figures, "interval": [round(bound, _DIGITS) for bound in bounds] if bounds else None}


def _against(before: ImageScores, here: ImageScores, metric: str) -> Row:
    """How the metric changed."""
    change = here.figures().get(metric, 0.0) - before.figures().get(metric, 0.0)
    bounds = difference(before.counts, here.counts, here.figure(metric), before.figure(metric))
    return {
        "change": round(change, _DIGITS),
        "change_interval": [round(bound, _DIGITS) for bound in bounds] if bounds else None,
    }


def _distance(before: Sequence[Answer], here: Sequence[Answer]) -> Row:
    """How far the answers are from those of the rung before: equal class ids, cosine, SNR, and the largest error.

    The largest error is max|a - b| / max|b| over an image's values; where a rung has none, or of another shape, there
    is no such figure.
    """
    import numpy as np

    fidelity = Fidelity(by_place=False)
    pairs = list(zip(before, here, strict=True))
    means = np.mean([fidelity.count(a, b) for a, b in pairs], axis=0)
    errors = [
        float(np.abs(b.values - a.values).max() / max(float(np.abs(a.values).max()), float(np.finfo(np.float32).tiny)))
        for a, b in pairs
        if a.values is not None and b.values is not None and a.values.shape == b.values.shape
    ]
    figures = {name: float(value) for name, value in fidelity.figures(means).items()}
    return {
        "same": _rounded(figures["agreement"]),
        "cosine_before": _rounded(figures["cosine"]),
        "snr_before": _rounded(figures["snr"], 2),
        "largest_error": float(f"{max(errors):.3g}") if errors else None,
        "compared_images": len(pairs),
    }


def _rounded(value: float, digits: int = _DIGITS) -> float | None:
    return round(value, digits) if value == value else None
