"""Models over a dataset: for each, what every image adds to its figures.

Use: ``measure({"float": onnx_runner(...), ...}, samples(folder), Measurement(task, classes))["float"].figures()``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from recipebuild.errors import StepError
from recipebuild.facts.metrics import metrics_of
from recipebuild.facts.tasks import CLASSIFICATION, OTHER, SEGMENTATION, TEXT
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.detection.precision import MatchTable
from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.classes import class_count
from recipebuild.toolkit.evaluate.dataset import IGNORE, DatasetSpec, Sample, read_image, read_truth
from recipebuild.toolkit.evaluate.detections import Detection
from recipebuild.toolkit.evaluate.embeddings import Embeddings
from recipebuild.toolkit.evaluate.layouts import layout_of
from recipebuild.toolkit.evaluate.raw_outputs import RawOutputs
from recipebuild.toolkit.evaluate.scores import Score, score_of
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.statistics import outputs as model_outputs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from recipebuild.toolkit.evaluate.runners import Run


FIDELITY = "fidelity"
"""The row of what the quantized model answers against what the float one does, where the others go by labels."""


@dataclass(frozen=True)
class Measurement:
    """What is measured, and how.

    Attributes:
        task: The recipe's ``model.task``.
        classes: How many classes the model tells apart; 0 where there are none.
        labelled: Whether the dataset says what is true; else the first model is the truth of the others.
        relative: Of depth: whether the models give inverse depth up to scale and shift.
        detection: Of object detection: how outputs become boxes.
        image: Of image-to-image: the input of the network, before its channels were exchanged.
        outputs: Of the task ``other``: the names of the model's outputs.
    """

    task: str
    classes: int
    labelled: bool
    relative: bool = False
    image: ImageSpec | None = None
    detection: Detection | None = None
    outputs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        model: Path,
        dataset: Path,
        spec: DatasetSpec,
        *,
        relative: bool,
        image: ImageSpec | None = None,
        detection: Detection | None = None,
    ) -> Measurement:
        """What can be measured of an ONNX model on a dataset.

        Args:
            model: The ONNX file; how many classes it tells apart is read from it.
            dataset: The folder.
            spec: How it is laid out, and the task.
            relative: Of depth, as above.
            detection: Of object detection, as above.
            image: Of image-to-image, as above.

        Raises:
            StepError: If the folder has an unknown layout.
        """
        if detection is not None:
            labelled = layout_of(dataset, spec).labelled
            return cls(spec.task, detection.detector.classes, labelled, detection=detection)
        if spec.task == OTHER:
            names = tuple(tensor.name for tensor in model_outputs(load(model, weights=False)))
            return cls(spec.task, 0, labelled=False, outputs=names)
        classes = (class_count(model) or IGNORE) if spec.task in (SEGMENTATION, CLASSIFICATION) else 0
        return cls(spec.task, classes, layout_of(dataset, spec).labelled, relative, image)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        values: dict[str, Any] = TypeAdapter(Measurement).dump_python(self, mode="json")
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Measurement:
        """What ``as_json`` gave."""
        return TypeAdapter(cls).validate_python(values)

    @property
    def score(self) -> Score | Detection:
        """How answers are judged."""
        if self.detection is not None and self.labelled:
            return self.detection
        if self.outputs:
            return RawOutputs(self.outputs)
        return score_of(
            self.task, classes=self.classes, labelled=self.labelled, relative=self.relative, image=self.image
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """The figures, the usual one first; of features, and of depth without labels, there is no agreement."""
        if self.labelled and (labelled := metrics_of(self.task, labels=True)):
            return labelled
        if self.task == TEXT:
            return metrics_of(TEXT)
        return ("agreement", "cosine", "snr") if self.classes and not self.detection else ("cosine", "snr")

    def read(self, sample: Sample) -> tuple[Any, Any]:
        """A sample's image, and what is true of it; ``None`` without an image, and without labels.

        Raises:
            StepError: If either cannot be used.
        """
        if self.labelled:
            return read_truth(sample, self.task, self.classes)
        return (read_image(sample) if sample.image else None), None


@dataclass(frozen=True)
class ImageScores:
    """What a model came to.

    Attributes:
        counts: ``[images, k]``: what each image adds.
        score: How they become figures.
    """

    counts: npt.NDArray[np.float64]
    score: Score | MatchTable

    def figures(self) -> dict[str, float]:
        """All figures that there are."""
        figures = {name: float(value) for name, value in self.score.figures(self.counts.sum(axis=0)).items()}
        return {name: value for name, value in figures.items() if value == value}

    def figure(self, metric: str) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]]:
        """One figure as a function of sums, for ``noise.py``."""
        return lambda sums: self.score.figures(sums)[metric]


def measure(
    runs: Mapping[str, Run],
    samples: Sequence[Sample],
    how: Measurement,
    on_image: Callable[[Sample, Image.Image, Any], None] = lambda sample, image, truth: None,
) -> dict[str, ImageScores]:
    """Run every model on every sample; ``on_image`` gets each with what is true of it, before the models do.

    Returns:
        A row a model; with labels, and models called ``float`` and ``quantized``, also that of the one against the
        other, ``FIDELITY``.

    Raises:
        CheckError: If a model gives NaN.
        StepError: If a sample is bad, or a model predicts a class that it cannot have.
    """
    rows: dict[str, list[Any]] = {key: [] for key in runs}
    scores: dict[str, Score | Detection] = dict.fromkeys(runs, how.score)
    between = None
    if how.labelled and {"float", "quantized"} <= runs.keys():
        between = score_of(how.task, classes=how.classes, labelled=False)
        rows[FIDELITY], scores[FIDELITY] = [], between
    for sample in samples:
        image, truth = how.read(sample)
        on_image(sample, image, truth)
        answers = {key: run(image, sample.name) for key, run in runs.items()}
        if not how.labelled:
            truth = next(iter(answers.values()))
        for key, predicted in answers.items():
            check_classes(predicted, how.classes, key, sample.name)
            rows[key].append(how.score.count(truth, predicted))
        if between is not None:
            rows[FIDELITY].append(between.count(answers["float"], answers["quantized"]))
    return {key: image_scores(counts, scores[key]) for key, counts in rows.items()}


def image_scores(counts: Sequence[Any], score: Score | Detection) -> ImageScores:
    """What a model came to, from what ``score.count`` gave for each image.

    Which text is nearest is known of all texts together. Of detectors the rows say which image counts, as their figures
    are no sums over images; see ``MatchTable``.
    """
    import numpy as np

    if isinstance(score, Detection):
        return ImageScores(np.eye(len(counts)), MatchTable(counts, score.detector.classes))
    if isinstance(score, Embeddings):
        return ImageScores(score.compared(np.stack(counts)), score)
    return ImageScores(np.stack(counts), score)


def check_classes(predicted: Answer, classes: int, model: str, sample: str) -> None:
    """Find that predicted class ids are below ``classes``.

    Raises:
        StepError: If one is not.
    """
    if predicted.ids is not None and not 0 <= predicted.ids.min() <= predicted.ids.max() < classes:
        raise StepError(
            f"the {model} model predicts class {predicted.ids.max()} in {sample}, but there are {classes} classes",
            remedy="evaluate with as many classes as the model has",
        )
