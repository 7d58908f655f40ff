"""Whether there are images to calibrate on, and labels that fit the images to evaluate on, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.facts.tasks import RESTORATION
from recipebuild.plan.evaluate import dataset_params
from recipebuild.recipe.paths import COMPRESSED
from recipebuild.recipe.problems import Place, Problem
from recipebuild.recipe.schema import Recipe
from recipebuild.session import Job
from recipebuild.toolkit.calibration.image_size import image_size
from recipebuild.toolkit.calibration.imagefile import ImageFile
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, Sample, samples

COMPARED = 32
"""Labels whose size is held against that of their image; a dataset is wrong in all of them, or in few."""


def unfit_images(job: Job) -> list[Problem]:
    """That there are no images, or that labels are missing, or are of other sizes than their images."""
    problems: dict[str, Problem] = {}
    for variant in job.variants.values():
        for error in _faults(variant.recipe):
            place = variant.place(error.field) or Place(variant.recipe.name)
            problems[error.message] = Problem(error.field, error.text, place, error.remedy)
    return list(problems.values())


def _faults(recipe: Recipe) -> Iterator[StepError]:
    for field, look in (("calibration.source", _look_at_calibration), ("evaluate.dataset", _look_at_dataset)):
        try:
            look(recipe)
        except StepError as error:
            yield StepError(error.text, field=error.field or field, remedy=error.remedy)
        except OSError as error:
            yield StepError(f"{error.filename} cannot be read: {error.strerror}", field=field)


def _look_at_calibration(recipe: Recipe) -> None:
    path = Path(recipe.calibration.path)
    if path.name.endswith(COMPRESSED):
        return
    if recipe.image and recipe.calibration.source:
        with images(path, recipe.calibration.pattern):
            pass


def _look_at_dataset(recipe: Recipe) -> None:
    evaluate = recipe.evaluate
    if evaluate is None or evaluate.is_prepared or recipe.tensors:
        return
    folder, model = Path(evaluate.dataset), Path(recipe.model.source)
    read = DatasetSpec(**dataset_params(recipe))
    spec, _ = as_trained(read, folder, model if model.is_dir() else None, evaluate.labels)
    drawn = samples(folder, evaluate.count, evaluate.seed, spec)
    for sample in drawn[:: -(-len(drawn) // COMPARED)]:
        _compare_sizes(sample, enlarged=recipe.model.task == RESTORATION)


def _compare_sizes(sample: Sample, *, enlarged: bool) -> None:
    """Hold the label's size against the image's; of a network that enlarges it is a whole number of times as large."""
    if sample.image is None or not isinstance(sample.label, ImageFile):
        return
    image, label = image_size(sample.image.read()), image_size(sample.label.read())
    if image and label and image != label:
        factor = label[0] // image[0]
        if enlarged and factor and label == (factor * image[0], factor * image[1]):
            return
        raise StepError(
            f"{sample.label_name} is {label[0]}x{label[1]}, but its image is {image[0]}x{image[1]}",
            remedy="a target is as large as its image, or a whole number of times as high and as wide"
            if enlarged
            else "a label has as many pixels as its image: scale labels with nearest neighbour, or images to them",
        )
