"""Labels on which a model that knows nothing is perfect, or on which nothing is measured."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, SEGMENTATION
from recipebuild.toolkit.calibration.imagefile import ImageFile
from recipebuild.toolkit.evaluate.label_survey import LabelSurvey
from recipebuild.toolkit.evaluate.layouts import Encoding, Sample

NAMES = ["road", "sidewalk", "car"]


def survey(*labels: list[int], encoding: Encoding = "ids", image: Image.Image | None = None) -> LabelSurvey:
    surveyed = LabelSurvey(SEGMENTATION, labelled=True)
    for label in labels:
        sample = Sample("a", ImageFile("a.jpg", lambda: b""), encoding=encoding, places=("images/", "labels/"))
        surveyed.add(sample, image or Image.new("RGB", (4, 1)), np.array([label], np.uint8))
    return surveyed


def test_good_labels_raise_no_concern() -> None:
    surveyed = survey([0, 1, 255, 2], [0, 0, 0, 0])
    surveyed.check()
    assert surveyed.concerns(NAMES) == []
    assert surveyed.ignored == 0.125


def test_masks_of_0_and_255_are_refused() -> None:
    with pytest.raises(StepError, match="a model that always predicts class 0 would be perfect") as caught:
        survey([0, 255, 0, 255], [0, 0, 0, 255]).check()
    assert "1 where it is and 0 elsewhere" in caught.value.remedy


def test_one_class_is_told_by_its_name() -> None:
    (warning,) = survey([2, 2, 2, 2], [2, 2, 2, 255]).concerns(NAMES)
    assert warning.startswith("RB607 the labels have class 2 (car) only: a model that always says so is perfect")
    mapped = survey([0, 0, 0, 255], encoding="cityscapes")  # 255 is what is no class: nobody stored it
    mapped.check()
    assert "class 0 (road) only" in mapped.concerns(NAMES)[0]


def test_one_class_folder_is_told() -> None:
    surveyed = LabelSurvey(CLASSIFICATION, labelled=True)
    for _ in range(3):
        surveyed.add(Sample("a", ImageFile("a.jpg", lambda: b""), 1), Image.new("RGB", (4, 1)), 1)
    assert "class 1 (sidewalk) only" in surveyed.concerns(NAMES)[0]
    assert surveyed.ignored is None


def test_the_share_of_ignored_pixels_is_told_beyond_half_and_refused_beyond_99_percent() -> None:
    half = survey([0, 1, 255, 255])
    assert half.concerns(NAMES) == []
    most = survey([0, 1, 255, 255], [255, 255, 255, 255])
    most.check()
    assert most.concerns(NAMES) == ["RB606 75.0 % of the labels' pixels are ignored: the figures are of the rest"]
    with pytest.raises(StepError, match=r"99.05 % of the dataset's pixels are ignored"):
        survey([0, 1] + [255] * 208).check()
    with pytest.raises(StepError, match="no pixel of the dataset is labelled"):
        survey([255, 255]).check()


def test_photos_that_viewers_turn_are_told() -> None:
    turned = Image.new("RGB", (4, 1))
    turned.getexif()[0x0112] = 6
    (warning,) = survey([0, 1, 2, 0], image=turned).concerns(NAMES)
    words = "marked as rotated by EXIF, which is not applied: they are used as stored: images/a.jpg"
    assert warning == f"RB608 1 of 1 images are {words}"
