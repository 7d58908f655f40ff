"""Figures of every task on answers whose figures are known by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recipebuild.errors import CheckError, StepError
from recipebuild.facts.metrics import loss
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, FEATURES, SEGMENTATION
from recipebuild.toolkit.evaluate.answers import Answer, answer
from recipebuild.toolkit.evaluate.metrics import class_counts, confusion_matrix, iou
from recipebuild.toolkit.evaluate.scores import Segmentation, score_of


def figures(task: str, pairs: list[tuple[Any, Answer]], **how: Any) -> dict[str, float]:
    score = score_of(task, **({"classes": 3, "labelled": True} | how))
    sums = sum(score.count(truth, prediction) for truth, prediction in pairs)
    return {name: float(value) for name, value in score.figures(np.asarray(sums)).items()}


def ids(values: Any) -> Answer:
    return Answer(np.array(values, np.int64), None)


def values(numbers: Any) -> Answer:
    return Answer(None, np.array(numbers, np.float32))


def test_segmentation_sums_pixels_over_images_and_enlarges_what_the_model_gives() -> None:
    first = np.array([[0, 0, 1, 1], [2, 2, 255, 255]], np.uint8)
    second = np.array([[0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    scores = figures(SEGMENTATION, [(first, ids([[0, 1]])), (second, ids([[0, 2]]))])
    # n_00 = 2 + 4, n_11 = 2, n_20 = 2, n_02 = 4: IoU 6/12, 2/2, 0/6
    assert scores == pytest.approx({"miou": (6 / 12 + 1 + 0) / 3, "pixel_accuracy": 8 / 14})


def test_segmentation_agrees_with_torchmetrics() -> None:
    import torch
    from torchmetrics.functional.classification import multiclass_jaccard_index

    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 5, (2, 64, 64))
    truth[:8] = 255
    theirs = multiclass_jaccard_index(
        torch.from_numpy(predicted), torch.from_numpy(truth), num_classes=5, ignore_index=255, average=None
    )
    matrix = confusion_matrix(truth.astype(np.uint8), predicted, 5)
    ious = iou(class_counts(matrix)).tolist()
    assert ious == pytest.approx(theirs.tolist())
    score = Segmentation(5)
    counts = score.count(truth.astype(np.uint8), Answer(predicted, None))
    assert counts.tolist() == class_counts(matrix).ravel().tolist()
    assert score.per_class(counts) == dict(enumerate(ious))
    assert float(score.figures(counts)["miou"]) == pytest.approx(theirs.mean().item())


def test_many_sums_at_once_have_a_figure_each() -> None:
    score = Segmentation(2)
    rows = np.stack([score.count(np.array([[0, 1]], np.uint8), ids([[0, right]])) for right in (0, 1)])
    assert score.figures(rows)["miou"].tolist() == pytest.approx([(1 / 2 + 0) / 2, 1.0])
    assert np.isnan(score.figures(np.zeros((1, 6)))["miou"])


def test_top1_and_top5() -> None:
    logits = np.arange(10, dtype=np.float32)
    prediction = Answer(np.array(9), logits)
    scores = figures(CLASSIFICATION, [(9, prediction), (5, prediction), (4, prediction), (0, prediction)])
    assert scores == pytest.approx({"top1": 1 / 4, "top5": 2 / 4})


def test_of_class_ids_alone_or_few_classes_there_is_no_top5() -> None:
    scores = figures(CLASSIFICATION, [(1, ids(1)), (0, Answer(np.array(2), np.arange(3, dtype=np.float32)))])
    assert scores["top1"] == 0.5
    assert np.isnan(scores["top5"])


def test_depth_leaves_out_what_is_unknown_and_averages_images() -> None:
    first = np.array([[1.0, 2.0], [4.0, 0.0]], np.float32), values([[1.0, 1.0], [8.0, 9.0]])
    second = np.full((2, 2), 2.0, np.float32), values([[2.2, 2.2], [2.2, 2.2]])
    scores = figures(DEPTH, [first, second])
    assert scores["abs_rel"] == pytest.approx(((0 + 1 / 2 + 1) / 3 + 0.1) / 2)
    assert scores["rmse"] == pytest.approx((np.sqrt((0 + 1 + 16) / 3) + 0.2) / 2)
    assert scores["delta1"] == pytest.approx((1 / 3 + 1) / 2)


def test_relative_depth_is_fitted_in_inverse_depth() -> None:
    truth = np.array([[1.0, 2.0], [4.0, 8.0]], np.float32)
    scores = figures(DEPTH, [(truth, values(7 / truth - 3))], relative=True)
    assert scores == pytest.approx({"abs_rel": 0, "rmse": 0, "delta1": 1}, abs=1e-5)
    assert figures(DEPTH, [(truth, values(7 / truth - 3))])["abs_rel"] > 0.5


def test_depth_of_another_size_is_scaled() -> None:
    truth = np.full((4, 4), 3.0, np.float32)
    assert figures(DEPTH, [(truth, values([[3.0, 3.0], [3.0, 3.0]]))])["abs_rel"] == 0


def test_without_labels_answers_are_held_against_another_model() -> None:
    numbers = np.array([[[3.0, 4.0]]], np.float32)
    truth = Answer(np.array([[0, 1], [2, 2]]), numbers)
    scores = figures(SEGMENTATION, [(truth, Answer(np.array([[0, 1], [2, 0]]), numbers * 2))], labelled=False)
    assert scores["agreement"] == 0.75
    assert scores["cosine"] == pytest.approx(1)
    assert scores["snr"] == pytest.approx(0, abs=1e-6)  # the noise is as strong as the signal


def test_features_are_compared_place_by_place() -> None:
    truth = values([[1.0, 0.0], [0.0, 100.0]])
    scores = figures(FEATURES, [(truth, values([[0.0, 1.0], [0.0, 100.0]]))])
    assert scores["cosine"] == pytest.approx(0.5)
    assert np.isnan(scores["agreement"])
    depth = figures(DEPTH, [(truth, values([[0.0, 1.0], [0.0, 100.0]]))], labelled=False)
    assert depth["cosine"] == pytest.approx(0.9999)


def test_a_loss_is_above_0_whichever_way_the_metric_goes() -> None:
    assert loss("miou", 0.8, 0.7) == pytest.approx(0.1)
    assert loss("abs_rel", 0.1, 0.3) == pytest.approx(0.2)


LOGITS = np.zeros((1, 4, 2, 3), np.float32)


@pytest.mark.parametrize(
    ("task", "outputs", "ids_shape", "values_shape"),
    [
        (SEGMENTATION, [LOGITS], (2, 3), (4, 2, 3)),
        (SEGMENTATION, [np.zeros((1, 1, 2, 3), np.int64)], (2, 3), None),
        (SEGMENTATION, [LOGITS, np.zeros((1, 2, 3), np.int32)], (2, 3), (4, 2, 3)),
        (CLASSIFICATION, [np.zeros((2, 10), np.float32)], (), (10,)),
        (CLASSIFICATION, [np.zeros((1, 1), np.int64)], (), None),
        (DEPTH, [np.zeros((1, 2, 3), np.float32)], None, (2, 3)),
        (DEPTH, [np.zeros((1, 1, 2, 3), np.float32)], None, (2, 3)),
        (FEATURES, [np.zeros((1, 7, 5), np.float32)], None, (7, 5)),
    ],
)
def test_an_answer_is_that_for_the_first_image(
    task: str, outputs: list[np.ndarray], ids_shape: tuple[int, ...] | None, values_shape: tuple[int, ...] | None
) -> None:
    decoded = answer(outputs, task, "m")
    assert decoded.ids is None if ids_shape is None else decoded.ids.shape == ids_shape, decoded.ids
    assert decoded.values is None if values_shape is None else decoded.values.shape == values_shape, decoded.values


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_a_failed_check(bad: float) -> None:
    with pytest.raises(CheckError, match=r"m gives NaN or infinity: \d and \d of 24"):
        answer([np.where(np.arange(24).reshape(LOGITS.shape) == 3, bad, LOGITS)], SEGMENTATION, "m")


@pytest.mark.parametrize(
    ("task", "output"),
    [
        (SEGMENTATION, np.zeros((1, 9), np.float32)),
        (CLASSIFICATION, LOGITS),
        (DEPTH, np.zeros((1, 2, 3), np.int64)),
    ],
)
def test_outputs_of_another_task_are_refused(task: str, output: np.ndarray) -> None:
    with pytest.raises(StepError, match="m gives"):
        answer([output], task, "m")


def test_a_cosine_is_at_most_1() -> None:
    rng = np.random.default_rng(0)
    cosines = [figures(FEATURES, [(values(v), values(v))])["cosine"] for v in rng.standard_normal((200, 1, 777))]
    assert max(cosines) <= 1 and min(cosines) == pytest.approx(1)
