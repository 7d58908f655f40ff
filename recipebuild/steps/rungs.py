"""rungs: the outputs of each stage of the model for a few images of the dataset, for the step ladder.

Inputs: model (folder in HF layout) and export, or reference (the ONNX file that the recipe starts from); simplified,
rewritten, channels (optional), head; float and quantized (optional): what the models gave with the head and after
quantization (tars of the step answers); or reference_predictions and predictions (tars: what Pulsar2's simulations of
the quantized and the compiled model gave); dataset (folder).
Outputs: rungs.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.facts.tasks import DETECTION, RESTORATION
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.evaluate.answers import Answer, answer
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.detections import Detection
from recipebuild.toolkit.evaluate.device import CPU, on_device
from recipebuild.toolkit.evaluate.feeds import feed_of
from recipebuild.toolkit.evaluate.ladder import RUNGS, RungCounts, alike, count
from recipebuild.toolkit.evaluate.layouts import Sample
from recipebuild.toolkit.evaluate.measure import Measurement, check_classes
from recipebuild.toolkit.evaluate.rung_images import climbing, few, filled
from recipebuild.toolkit.evaluate.runners import batch, fed_runner, onnx_runner, open_model, recorded_runner
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.image_layout import fed_as_taken
from recipebuild.toolkit.graph.logit import logit
from recipebuild.toolkit.graph.statistics import inputs as inputs_of
from recipebuild.toolkit.models.depth import depth_kind
from recipebuild.toolkit.models.detector import detector_of
from recipebuild.toolkit.models.processor import own_processor
from recipebuild.toolkit.models.run import Weights, torch_runner

if TYPE_CHECKING:
    from PIL import Image

    from recipebuild.toolkit.evaluate.feeds import Feed
    from recipebuild.toolkit.evaluate.runners import Run

_ANSWERED = ("head", "quantized", "emulated", "simulated")
"""Rungs whose models ran in other steps."""


class Params(BaseModel):
    """What goes up the ladder.

    Attributes:
        input: The image of the model that was compiled; ``None`` if it takes none.
        original: Of the model before its channels were exchanged.
        weights: Which PyTorch model it is.
        dataset: How the dataset is laid out, and the task.
        count: How many images ``evaluate`` draws; ``None`` for all.
        seed: Which ones.
        labels: What the classes are called; ``None`` as the model tells.
        depth: What depth is; ``None`` to read it from the model's config.json.
        threshold: Of a network of one class: the probability (0..1) above which it is there.
        detector: How boxes are made; ``None`` where there are none, or the model's config.json tells.
        class_axis: That of the classes in the logits, which the rungs before the head give.
        device: Where ONNX models run: ``cpu`` or ``cuda:N``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec | None
    original: ImageSpec | None
    weights: Weights = Weights()
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    labels: list[str] | None = None
    depth: Literal["metric", "relative"] | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)
    detector: Detector | None = None
    class_axis: int = 1
    device: str = CPU


@on_device
def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Let the images go up; write what each adds to the figures of each rung, and how the rungs differ.

    Raises:
        CheckError: If a model gives NaN.
        StepError: If the dataset is bad, or does not fit the model.
    """
    kind = params.depth or (depth_kind(inputs["model"]) if "model" in inputs else "metric")
    spec, _ = as_trained(params.dataset, inputs["dataset"], inputs.get("model"), params.labels)
    detector = params.detector
    if detector is None and "model" in inputs and spec.task == DETECTION:
        detector = detector_of(inputs["model"] / "config.json")
    how = Measurement.of(
        inputs["head"], inputs["dataset"], spec, relative=kind == "relative", image=params.original,
        detection=Detection(detector, params.input) if detector and params.input else None,
    )  # fmt: skip
    chosen = climbing(samples(inputs["dataset"], params.count, params.seed, spec))
    work = _Work(inputs, params, how, chosen, progress, [how.read(sample) for sample in chosen])
    rungs = _climbed(work)
    content = {
        "how": how.as_json(), "images": len(chosen), "rungs": [rung.as_json() for rung in rungs],
        "concerns": work.concerns,
    }  # fmt: skip
    (out / "rungs.json").write_text(json.dumps(content, sort_keys=True) + "\n", encoding="utf-8")
    return {"images": len(chosen)}


def _climbed(work: _Work) -> list[RungCounts]:
    """What each rung came to.

    Up to the head, whose answers for all images are there already, models run on a few of them; where they agree on
    these but for rounding, the head's answers for the others count as theirs.
    """
    answered = [name for name in work.rungs if name in _ANSWERED]
    if answered[:1] == ["head"]:
        seen = work.on(few(work.samples), few(work.images))
        stages = [*seen.counts([name for name in work.rungs if name not in answered[1:]])]
        if alike(stages):
            work.concerns += seen.concerns
            head, *others = work.counts(answered)
            before = [replace(stage, counts=filled(stage.counts, head.counts)) for stage in stages[:-1]]
            return [*before, replace(head, distance=stages[-1].distance), *others]
    return [*work.counts(work.rungs)]


@dataclass
class _Work:
    inputs: Mapping[str, Path]
    params: Params
    how: Measurement
    samples: Sequence[Sample]
    progress: Progress
    images: Sequence[tuple[Image.Image, Any]]
    """With what is true of each."""

    def __post_init__(self) -> None:
        self.concerns: list[str] = []
        self.cut = logit(self.params.threshold)

    @property
    def rungs(self) -> list[str]:
        """Those whose models are among the inputs, in order."""
        return [name for name, rung in RUNGS.items() if rung.input in self.inputs]

    def on(self, samples: Sequence[Sample], images: Sequence[tuple[Image.Image, Any]]) -> _Work:
        """The same with fewer images."""
        return replace(self, samples=samples, images=images)

    def counts(self, rungs: Sequence[str]) -> Iterator[RungCounts]:
        """What each of these rungs came to."""
        return count(self._answers(rungs), [truth for _, truth in self.images], self.how)

    def _answers(self, rungs: Sequence[str]) -> Iterator[tuple[str, list[Answer]]]:
        """The answers of each rung, one model in memory at a time."""
        there = list(rungs)
        if "pytorch" in there:
            self.progress(0.0, RUNGS["pytorch"].title)
            yield from self._pytorch()
            there = [name for name in there if RUNGS[name].input != "model"]
        for done, name in enumerate(there, 1):
            self.progress(done / (len(there) + 1), RUNGS[name].title)
            yield name, self._all(name, self._run(name))

    def _run(self, name: str) -> Run:
        rung, task = RUNGS[name], self.params.dataset.task
        if name in _ANSWERED:
            kept = self.inputs["float" if name == "head" else rung.input]
            return recorded_runner(kept, task, cut=self.cut, axis=self.params.class_axis)
        spec = self.params.input if rung.fed else self.params.original
        if name == "reference" or spec is None or self.params.dataset.tensors:
            feeds = self._feeds(name, spec)
            return fed_runner(
                open_model(self.inputs[rung.input]), feeds, task, cut=self.cut, axis=self.params.class_axis
            )
        return onnx_runner(open_model(self.inputs[rung.input]), spec, task, cut=self.cut, axis=self.params.class_axis)

    def _feeds(self, name: str, spec: ImageSpec | None) -> Callable[[str], Feed]:
        """What a rung's model is fed for the sample of a name; the first one takes images in a way of its own."""
        by_name = {sample.name: sample for sample in self.samples}
        path = self.inputs[RUNGS[name].input]
        taken = inputs_of(load(path, weights=False)) if name == "reference" else ()
        image = spec.name if spec else None

        def feed(sample: str) -> Feed:
            return fed_as_taken(feed_of(by_name[sample], spec, self.params.dataset.tensors), image, taken)

        return feed

    def _pytorch(self) -> Iterator[tuple[str, list[Answer]]]:
        """The model with its own preprocessor, and with ours; where both give the same pixels it runs but once."""
        import numpy as np

        forward = torch_runner(self.inputs["model"], self.params.weights)
        original = self.params.original
        if original is None:
            feeds = [feed_of(sample, None, self.params.dataset.tensors) for sample in self.samples]
            yield "pytorch", [answer(forward(feed), self.how.task, "PyTorch") for feed in feeds]
            return
        ours = partial(batch, spec=original)
        right = self._all(
            "pytorch", lambda image, _: answer(forward(ours(image)), self.how.task, "PyTorch", cut=self.cut)
        )
        own = own_processor(self.inputs["model"])
        pairs = [(own.prepare(image), ours(image)[:1]) for image, _ in self.images] if own is not None else []
        # Of an image that is padded a network makes a larger one, of which not all is to be judged.
        if own is not None and (self.how.task != RESTORATION or all(a.shape == b.shape for a, b in pairs)):
            if all(a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-4) for a, b in pairs):
                yield "preprocessor", right
            else:
                try:
                    theirs = [answer(forward(a), self.how.task, "PyTorch", cut=self.cut) for a, _ in pairs]
                    yield "preprocessor", theirs
                except (RuntimeError, ValueError) as error:  # a model that takes one size only
                    self.concerns.append(f"RB116 the model does not take what {own.name} makes of images: {error}")
        yield "pytorch", right

    def _all(self, name: str, run: Run) -> list[Answer]:
        answers = []
        for (image, _), sample in zip(self.images, self.samples, strict=True):
            predicted = run(image, sample.name)
            check_classes(predicted, self.how.classes, RUNGS[name].title, sample.name)
            answers.append(predicted)
        return answers
