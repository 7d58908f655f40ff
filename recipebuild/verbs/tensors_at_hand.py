"""Whether each sample has a file of each tensor that a model takes, of its shape and type, before anything is built."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.plan.evaluate import dataset_params, state_specs, tensor_specs
from recipebuild.recipe.paths import COMPRESSED
from recipebuild.recipe.problems import Place, Problem
from recipebuild.recipe.schema import Recipe
from recipebuild.session import Job
from recipebuild.toolkit.calibration.archive import flat_names, sample
from recipebuild.toolkit.calibration.imagefile import ImageFile
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.calibration.tensor_files import (
    TensorSpec,
    beside_images,
    checked_tensor,
    drawn,
    tensor_files,
)
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.feeds import feed_of

READ = 32
"""Files of each input that are read; that there is one for each sample is looked up for all."""

Files = Mapping[str, ImageFile]


def unfit_tensors(job: Job) -> list[Problem]:
    """That files of tensors are missing, or are named, shaped or typed otherwise than the model takes them."""
    problems: dict[str, Problem] = {}
    for variant in job.variants.values():
        recipe = variant.recipe
        if recipe.tokens or not recipe.tensors:
            continue
        for error in (*_calibration_faults(recipe), *_dataset_faults(recipe)):
            place = variant.place(error.field) or Place(recipe.name)
            problems[error.message] = Problem(error.field, error.text, place, error.remedy)
    return list(problems.values())


def _calibration_faults(recipe: Recipe) -> Iterator[StepError]:
    fields = {tensor.name: f"{place}.source" for place, tensor in recipe.described_tensors}
    with contextlib.ExitStack() as open_sources:
        by_input: dict[str, Files] = {}
        for _, tensor in recipe.described_tensors:
            if tensor.source is None or tensor.source.endswith(COMPRESSED):
                continue
            try:
                by_input[tensor.name] = open_sources.enter_context(tensor_files(Path(tensor.source)))
            except (StepError, OSError) as error:
                yield _placed(error, fields[tensor.name])
        if not by_input:
            return
        if recipe.image:
            names = _of_images(recipe)
            by_input = {name: beside_images(files) for name, files in by_input.items()}
        else:
            first, *_ = by_input.values()
            described, sequences = recipe.calibration, bool(state_specs(recipe))
            names = drawn(first, described.count, described.seed, in_order=sequences)
        for spec in map(TensorSpec.model_validate, tensor_specs(recipe)):
            if spec.name in by_input:
                yield from _faults(by_input[spec.name], spec, names, fields[spec.name])


def _faults(files: Files, spec: TensorSpec, names: Sequence[str], field: str) -> Iterator[StepError]:
    """The first file that is missing, with how many more are, and the first that does not fit."""
    absent = [name for name in names if name not in files]
    present = [name for name in names if name in files]
    for looked_at in (absent, present[:: -(-len(present) // READ) or 1]):
        wrong = []
        for name in looked_at:
            try:
                checked_tensor(files, spec, name, field)
            except StepError as error:
                wrong.append(error)
        if wrong:
            more = f" (and {len(wrong) - 1} more like it)" if len(wrong) > 1 else ""
            yield StepError(f"{wrong[0].text}{more}", field=field, remedy=wrong[0].remedy)


def _dataset_faults(recipe: Recipe) -> Iterator[StepError]:
    if recipe.evaluate is None:
        return
    spec = DatasetSpec(**{**dataset_params(recipe), "tensors": tensor_specs(recipe)})
    try:
        rows = samples(Path(recipe.evaluate.dataset), recipe.evaluate.count, recipe.evaluate.seed, spec)
        for row in rows[:: -(-len(rows) // READ)]:
            feed_of(row, None, spec.tensors)
    except (StepError, OSError) as error:
        yield _placed(error, "evaluate.dataset")


def _of_images(recipe: Recipe) -> list[str]:
    """What the files that go with the images of the calibration set are called; none if there are no images.

    Of images that are chosen by what they show, all may be, as they are not looked at here.
    """
    described = recipe.calibration
    path = Path(described.path)
    if path.name.endswith(COMPRESSED):
        return []
    try:
        with images(path, described.pattern) as files:
            count = described.count if described.select == "random" else len(files)
            return sorted(name.rpartition(".")[0] for name in flat_names(sample(files, count, described.seed)))
    except (StepError, OSError):  # told by unfit_images
        return []


def _placed(error: StepError | OSError, field: str) -> StepError:
    if isinstance(error, OSError):
        return StepError(f"{error.filename} cannot be read: {error.strerror}", field=field)
    return StepError(error.text, field=field, remedy=error.remedy)
