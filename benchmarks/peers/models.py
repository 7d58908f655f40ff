"""The models that all quantizers get: built by us in 8 bits, plain and equalized, with the images of the recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.equalize import CALIBRATION, HELD_OUT, KINDS, MODEL, TOKENS, VIT, built
from recipebuild.facts.tasks import CLASSIFICATION, SEGMENTATION
from recipebuild.recipe.load import load
from recipebuild.resources import shipped
from recipebuild.steps import answers, evaluate
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.layouts import DatasetSpec
from recipebuild.toolkit.quantize.dataset import CalibrationSet
from scripts import massive_vit
from scripts.plant_outliers import plant

VIT_KIND = "massive-vit"
PLAIN = "8 bits"
OURS = {PLAIN: "", "equalized": "equalize: {}"}
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
        metric: ``miou`` or ``top1``.
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
        """Accuracy of the float model, in %."""
        return self._measured({}, "float")

    def accuracy(self, quantized: Path) -> float:
        """Accuracy of a quantized model on the held-out images, in %, computed as the model is written.

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
        return 100 * float(figures[f"{self.metric}_{which}"])

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
        yield vit(place) if kind == VIT_KIND else scenes(place, kind)


def scenes(place: Path, kind: str) -> Model:
    """The quickstart's model, as it is or planted."""
    folder = shipped("recipes") / "quickstart" / "model"
    if kind != KINDS[0]:
        plant(folder, place / kind, kind)
        folder = place / kind
    text = f"extends: quickstart\nmodel: {{source: {folder}}}\n"
    return made(
        place, kind, {row: f"{text}{more}\n" for row, more in OURS.items()}, DatasetSpec(task=SEGMENTATION), "miou"
    )


def vit(place: Path) -> Model:
    """The vision transformer with massive activations, on drawn shapes."""
    massive_vit.save(place / "heldout", range(massive_vit.HELD_OUT, massive_vit.HELD_OUT + HELD_OUT), by_class=True)
    massive_vit.save(place / f"calibration-{massive_vit.SIZE}", CALIBRATION)
    recipes: dict[str, str] = {}
    for row, more in {**OURS, **TOKENS_APART}.items():
        more = f"evaluate: {{dataset: heldout, layout: classes}}\n{more}"
        recipes[row] = VIT.format(
            name=f"{VIT_KIND}-{len(recipes)}",
            model=massive_vit.made(MODEL), size=massive_vit.SIZE, count=len(CALIBRATION), more=more,
        )  # fmt: skip
    layout = DatasetSpec(task=CLASSIFICATION, layout="classes", names=massive_vit.NAMES)
    return made(place, VIT_KIND, recipes, layout, "top1")


def made(place: Path, kind: str, recipes: dict[str, str], layout: DatasetSpec, metric: str) -> Model:
    """Build what the recipes say, and what all of them measure with."""
    ours = {}
    for number, (row, text) in enumerate(recipes.items()):
        built(place, f"{kind}-{number}", text, "compile")
        ours[row] = place / "build" / f"{kind}-{number}"
    (variant,) = load(str(place / f"{kind}-0.yaml"), cwd=place)
    recipe = variant.recipe
    assert recipe.input is not None and recipe.evaluate is not None
    spec = ImageSpec(**recipe.input.model_dump(mode="json"))
    return Model(kind, ours, spec, Path(recipe.evaluate.dataset), layout, metric)


def _silent(fraction: float, text: str = "") -> Any: ...
