"""Average precision: by hand, against pycocotools, and of images that count several times."""

import contextlib
import io

import numpy as np
import pytest

from recipebuild.toolkit.detection.detector import Objects
from recipebuild.toolkit.detection.precision import MatchTable, match
from recipebuild.toolkit.detection.truth import Truth
from recipebuild.toolkit.evaluate.noise import difference, interval, pseudo_values

CLASSES = 4


def truth(boxes, ids=None, crowd=None):
    boxes = np.array(boxes, float).reshape(-1, 4)
    ids = np.zeros(len(boxes), int) if ids is None else np.array(ids, int)
    return Truth(boxes, ids, np.zeros(len(boxes), bool) if crowd is None else np.array(crowd, bool), (100, 100))


def objects(boxes, scores, ids=None):
    boxes = np.array(boxes, float).reshape(-1, 4)
    return Objects(boxes, np.array(scores, float), np.zeros(len(boxes), int) if ids is None else np.array(ids, int))


def figures(pairs, classes=1, times=None):
    table = MatchTable([match(*pair) for pair in pairs], classes)
    return {name: float(v) for name, v in table.figures(np.ones(len(pairs)) if times is None else times).items()}


def test_one_of_two_objects_after_a_false_alarm():
    boxes = objects([[50, 50, 60, 60], [0, 0, 10, 8]], [0.9, 0.5])  # an IoU of 0.8 with the first object
    pairs = [(boxes, truth([[0, 0, 10, 10], [20, 20, 30, 30]]))]
    # Precision is 1/2 up to a recall of 1/2, for thresholds 0.5 to 0.8: 51 of 101 recalls, 7 of 10 thresholds.
    assert figures(pairs) == pytest.approx({"map": 0.7 * 51 / 101 / 2, "map50": 51 / 101 / 2})


def test_a_second_box_on_one_object_is_a_false_alarm():
    pairs = [(objects([[0, 0, 10, 10]] * 2, [0.9, 0.8]), truth([[0, 0, 10, 10], [50, 50, 60, 60]]))]
    assert figures(pairs)["map50"] == pytest.approx(51 / 101)
    perfect = [(objects([[0, 0, 10, 10], [50, 50, 60, 60]], [0.9, 0.8]), pairs[0][1])]
    assert figures(perfect) == {"map": 1.0, "map50": 1.0}


def test_what_lies_in_a_crowd_is_neither_right_nor_wrong():
    there = truth([[0, 0, 10, 10], [40, 40, 90, 90]], crowd=[False, True])
    boxes = objects([[45, 45, 55, 55], [60, 60, 70, 70], [0, 0, 10, 10]], [0.9, 0.8, 0.7])
    assert figures([(boxes, there)]) == {"map": 1.0, "map50": 1.0}


def test_without_objects_there_is_no_figure():
    assert np.isnan(list(figures([(objects([[0, 0, 1, 1]], [0.5]), truth([]))]).values())).all()
    assert figures([(objects([], []), truth([[0, 0, 1, 1]]))]) == {"map": 0.0, "map50": 0.0}


@pytest.fixture
def pairs():
    """Images with objects of four classes, some of them crowds; boxes near them, and false alarms."""
    random = np.random.default_rng(7)
    made = []
    for _ in range(40):
        n = random.integers(0, 12)
        corners = random.uniform(0, 70, (n, 2))
        there = np.concatenate([corners, corners + random.uniform(4, 30, (n, 2))], axis=1)
        ids = random.integers(0, CLASSES, n)
        near = np.repeat(there, 2, axis=0) + random.normal(0, 1.2, (2 * n, 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        corners = random.uniform(0, 70, (15, 2))
        noise = np.concatenate([corners, corners + random.uniform(4, 30, (15, 2))], axis=1)
        kinds = np.where(random.random(2 * n) < 0.8, np.repeat(ids, 2), random.integers(0, CLASSES, 2 * n))
        scores = random.integers(1, 100, 2 * n + 15) / 100  # with ties
        order = np.argsort(-scores, kind="stable")
        boxes = np.concatenate([near, noise])[order]
        all_ids = np.concatenate([kinds, random.integers(0, CLASSES, 15)])[order]
        made.append((objects(boxes, scores[order], all_ids), truth(there, ids, random.random(n) < 0.15)))
    return made


def as_pycocotools_has_it(pairs):
    """mAP, mAP50, and the average precision of each class."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    true: list[dict] = []
    detected: list[dict] = []
    for image, (boxes, there) in enumerate(pairs, 1):
        for box, class_id, crowd in zip(there.boxes, there.ids, there.crowd, strict=True):
            sides = [*box[:2], *(box[2:] - box[:2])]
            row = {"id": len(true) + 1, "image_id": image, "category_id": int(class_id), "bbox": sides}
            true.append(row | {"area": sides[2] * sides[3], "iscrowd": int(crowd)})
        for box, score, class_id in zip(boxes.boxes, boxes.scores, boxes.ids, strict=True):
            sides = [*box[:2], *(box[2:] - box[:2])]
            detected.append({"image_id": image, "category_id": int(class_id), "bbox": sides, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {}, "images": [{"id": i} for i in range(1, len(pairs) + 1)], "annotations": true,
            "categories": [{"id": i} for i in range(CLASSES)],
        }  # fmt: skip
        coco.createIndex()
        judged = COCOeval(coco, coco.loadRes(detected), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged.stats[0], judged.stats[1], judged.eval["precision"][:, :, :, 0, 2].mean(axis=(0, 1))


def test_figures_are_those_of_pycocotools(pairs):
    table = MatchTable([match(*pair) for pair in pairs], CLASSES)
    mean, half, per_class = as_pycocotools_has_it(pairs)
    ours = table.figures(np.ones(len(pairs)))
    assert [float(ours["map"]), float(ours["map50"])] == pytest.approx([mean, half], abs=1e-6)
    assert list(table.per_class(np.ones(len(pairs))).values()) == pytest.approx(per_class.tolist(), abs=1e-6)
    assert 0.1 < mean < half < 0.9


def test_an_image_that_counts_twice_is_an_image_that_is_there_twice(pairs):
    for boxes, _ in pairs:  # no ties, whose order differs between the two
        boxes.scores[:] -= np.linspace(0, 0.009, len(boxes.scores))
    times = np.array([0, 1, 2, 3] * 10)
    repeated = [pair for pair, n in zip(pairs, times, strict=True) for _ in range(n)]
    assert figures(pairs, CLASSES, times) == pytest.approx(figures(repeated, CLASSES))


def test_many_draws_at_once_have_a_figure_each(pairs):
    table = MatchTable([match(*pair) for pair in pairs], CLASSES)
    times = np.random.default_rng(0).integers(0, 3, (2, 60, len(pairs))).astype(float)
    together = table.figures(times)["map"]
    assert together.shape == (2, 60)
    assert float(together[1, 7]) == pytest.approx(float(table.figures(times[1, 7])["map"]))


def test_the_bootstrap_works_on_it(pairs):
    table = MatchTable([match(*pair) for pair in pairs], CLASSES)
    counts = np.eye(len(pairs))
    value = float(table.figures(counts.sum(axis=0))["map"])
    low, high = interval(  # type: ignore[misc]
        counts, lambda sums: table.figures(sums)["map"]
    )
    assert low < value < high < low + 0.3
    assert difference(counts, counts, lambda sums: table.figures(sums)["map"]) == (0, 0)
    assert np.mean(pseudo_values(counts, lambda sums: table.figures(sums)["map"])) == pytest.approx(value, abs=0.1)
