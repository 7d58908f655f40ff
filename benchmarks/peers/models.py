"""The models that all quantizers get: built by us in 8 bits, plain and equalized, with the images of the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.equalize import EQUALIZED, PLAIN, TOKENS, built, in_unit, of_rooms, of_scenes, of_shapes
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, SEGMENTATION
from recipebuild.recipe.load import load
from recipebuild.steps import answers, evaluate
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.layouts import DatasetSpec
from recipebuild.toolkit.quantize.dataset import CalibrationSet
from scripts import massive_vit

VIT_KIND, DEPTH_KIND = "massive-vit", "small-depth"
TOKENS_APART = {"equalized, tokens apart": TOKENS}


@dataclass(frozen=True)
class Model:
    """A model, what we made of it, and its images.

    Attributes:
        kind: What the table calls it.
        ours: The folders of our builds, by the name of the row.
        spec: The image that it takes.
        heldout: The folder of labelled images.
        layout: How that is laid out, and the task.
        metric: ``miou``, ``top1`` or ``abs_rel``.
    """

    kind: str
    ours: dict[str, Path]
    spec: ImageSpec
    heldout: Path
    layout: DatasetSpec
    metric: str

    @property
    def path(self) -> Path:
        """The float model, which the others quantize."""
        return self.ours[PLAIN] / "model.onnx"

    def save_calibration(self, target: Path) -> None:
        """Write the calibration images as the model takes them: a .npy file, float32 [n, 3, H, W]."""
        import numpy as np

        np.save(target, np.concatenate(list(CalibrationSet(self.ours[PLAIN] / "calibration.tar", self.spec))))

    def float_accuracy(self) -> float:
        """Accuracy of the float model, in the metric's unit."""
        return self._measured({}, "float")

    def accuracy(self, quantized: Path) -> float:
        """Accuracy of a quantized model on the held-out images, computed as the model is written.

        Raises:
            StepError: If ONNX Runtime does not take the model.
        """
        return self._measured({"quantized": self._answers(quantized)}, "quantized")

    def _measured(self, more: dict[str, Path], which: str) -> float:
        inputs = {"model": self.path, "float": self._float, "dataset": self.heldout, **more}
        figures = evaluate.run(
            inputs,
            evaluate.Params(dataset=self.layout, labels=list(self.layout.names) or None),
            self.path.parent,
            _silent,
        )
        return in_unit(self.metric, float(figures[f"{self.metric}_{which}"]))

    @cached_property
    def _float(self) -> Path:
        return self._answers(self.path)

    def _answers(self, model: Path) -> Path:
        out = model.with_suffix(".answers")
        out.mkdir()
        params = answers.Params(input=self.spec, dataset=self.layout)
        answers.run({"model": model, "dataset": self.heldout}, params, out, _silent)
        return out / "answers.tar"


def models(place: Path, kinds: list[str]) -> Iterator[Model]:
    """Build the models of these kinds, one after another, in ``place``."""
    for kind in kinds:
        if kind == VIT_KIND:
            layout = DatasetSpec(task=CLASSIFICATION, layout="classes", names=massive_vit.NAMES)
            yield made(place, kind, of_shapes(place), {**EQUALIZED, **TOKENS_APART}, layout, "top1")
        elif kind == DEPTH_KIND:
            yield made(place, kind, of_rooms(place, "both"), EQUALIZED, DatasetSpec(task=DEPTH), "abs_rel")
        else:
            yield made(place, kind, of_scenes(place, kind), EQUALIZED, DatasetSpec(task=SEGMENTATION), "miou")


def made(place: Path, kind: str, recipe: str, variants: Mapping[str, str], layout: DatasetSpec, metric: str) -> Model:
    """Build a recipe's variants, by the name of the row, and what all of them measure with."""
    ours = {}
    for number, (row, more) in enumerate(variants.items()):
        built(place, f"{kind}-{number}", f"{recipe}{more}\n", "compile")
        ours[row] = place / "build" / f"{kind}-{number}"
    (variant,) = load(str(place / f"{kind}-0.yaml"), cwd=place)
    own = variant.recipe
    assert own.input is not None and own.evaluate is not None
    spec = ImageSpec(**own.input.model_dump(mode="json"))
    return Model(kind, ours, spec, Path(own.evaluate.dataset), layout, metric)


def _silent(fraction: float, text: str = "") -> Any: ...
