"""What a model's files add to what the recipe says of labels, and what is said where the two differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_label, read_truth, samples


def model(folder: Path, config: dict[str, Any], preprocessor: dict[str, Any] | None = None) -> Path:
    folder /= "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """One image whose label is 0, 1, 2, 255."""
    dataset = tmp_path / "dataset"
    for part in ("images", "labels"):
        (dataset / part).mkdir(parents=True)
    Image.new("RGB", (4, 1)).save(dataset / "images/a.png")
    Image.fromarray(np.array([[0, 1, 2, 255]], np.uint8)).save(dataset / "labels/a.png")
    return dataset


def label(dataset: Path, spec: DatasetSpec) -> list[int]:
    ids: list[int] = read_label(samples(dataset, spec=spec)[0], 3)[0].tolist()
    return ids


@pytest.mark.parametrize("key", ["do_reduce_labels", "reduce_labels"])
def test_labels_are_reduced_as_the_preprocessor_does_it(labelled: Path, tmp_path: Path, key: str) -> None:
    spec, notes = as_trained(DatasetSpec(), labelled, model(tmp_path, {}, {key: True}))
    assert label(labelled, spec) == [255, 0, 1, 255]
    (note,) = notes
    assert (
        note.startswith("RB610 ")
        and "0 is ignored and classes count from 1" in note
        and "evaluate.reduce_labels: false" in note
    )


@pytest.mark.parametrize(
    ("trained", "recipe", "words"),
    [
        (True, False, "do_reduce_labels: true, and labels are read as class ids"),
        (False, True, "do_reduce_labels: false, and labels are read so that 0 is ignored"),
    ],
)
def test_the_recipe_wins_and_the_difference_is_told(
    labelled: Path, tmp_path: Path, trained: bool, recipe: bool, words: str
) -> None:
    spec, (note,) = as_trained(
        DatasetSpec(reduce_labels=recipe), labelled, model(tmp_path, {}, {"do_reduce_labels": trained})
    )
    assert spec.reduce_labels is recipe
    assert words in note


@pytest.mark.parametrize("preprocessor", [None, {}, {"do_reduce_labels": False}])
def test_where_they_agree_nothing_is_said(labelled: Path, tmp_path: Path, preprocessor: dict[str, Any] | None) -> None:
    folder = model(tmp_path, {"semantic_loss_ignore_index": 255}, preprocessor)
    assert as_trained(DatasetSpec(), labelled, folder) == (DatasetSpec(), [])
    assert as_trained(DatasetSpec(), labelled, None) == (DatasetSpec(), [])


def test_what_training_ignored_is_ignored(labelled: Path, tmp_path: Path) -> None:
    spec, (note,) = as_trained(DatasetSpec(), labelled, model(tmp_path, {"semantic_loss_ignore_index": 2}))
    assert label(labelled, spec) == [0, 1, 255, 255]
    assert note == "RB610 label 2 is ignored: semantic_loss_ignore_index in config.json"


def folders(root: Path, *names: str) -> Path:
    for name in names:
        (root / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(root / "photos" / name / "x.png")
    return root / "photos"


def classes(dataset: Path, spec: DatasetSpec, count: int) -> dict[str, int]:
    return {sample.name: read_truth(sample, CLASSIFICATION, count)[1] for sample in samples(dataset, spec=spec)}


KINDS = DatasetSpec(task=CLASSIFICATION)


def test_class_folders_are_mapped_by_the_models_names(tmp_path: Path) -> None:
    dataset = folders(tmp_path, "cat", "dog")
    spec, (note,) = as_trained(KINDS, dataset, model(tmp_path, {"id2label": {"0": "dog", "1": "bird", "2": "cat"}}))
    assert classes(dataset, spec, 3) == {"cat/x": 2, "dog/x": 0}
    assert note.startswith("RB611 ") and "mapped by the names" in note
    spec, _ = as_trained(KINDS, dataset, None, ["dog", "cat"])
    assert classes(dataset, spec, 2) == {"cat/x": 1, "dog/x": 0}


def test_numbers_are_mapped_as_the_model_was_trained_or_asked_for(tmp_path: Path) -> None:
    dataset = folders(tmp_path, *(str(i) for i in range(11)))
    ordered = {str(at): name for at, name in enumerate(sorted(str(i) for i in range(11)))}
    trained = model(tmp_path, {"id2label": ordered})
    assert classes(dataset, as_trained(KINDS, dataset, trained)[0], 11)["10/x"] == 2
    with pytest.raises(StepError, match="the class of each folder is ambiguous: as class ids") as caught:
        as_trained(KINDS, dataset, None)
    assert caught.value.field == "evaluate.class_folders"
    asked = KINDS.model_copy(update={"class_folders": "sorted"})
    assert classes(dataset, as_trained(asked, dataset, None)[0], 11)["2/x"] == 3


def test_names_that_no_class_has_are_said_with_the_order_that_is_taken(tmp_path: Path) -> None:
    dataset = folders(tmp_path, "cat", "dog")
    _, (note,) = as_trained(KINDS, dataset, model(tmp_path, {"id2label": {"0": "Hund", "1": "Katze"}}))
    assert "sorted order (cat is class 0, dog is class 1)" in note
    wrong = KINDS.model_copy(update={"class_folders": "names"})
    with pytest.raises(StepError, match="cat, dog: no class of the model is called so"):
        as_trained(wrong, dataset, tmp_path / "model")
