"""Boxes of each kind of head: worked out by hand, or as transformers has them."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recipebuild.errors import StepError
from recipebuild.facts.detectors import DETECTORS
from recipebuild.toolkit.detection import decode as decode_module
from recipebuild.toolkit.detection.decode import KINDS, decode
from recipebuild.toolkit.detection.detector import Detector, detect
from recipebuild.toolkit.detection.letterbox import place

SIZE = (64, 32)  # width and height


def logit(p):
    return np.log(p / (1 - p))


def grids(bins, classes=2):
    """Of strides 8, 16 and 32 with no object but for one of class 1, score 0.8, in row 1, column 3 of stride 8."""
    made = []
    for stride in (8, 16, 32):
        grid = np.zeros((1, 4 * bins + classes, SIZE[1] // stride, SIZE[0] // stride), np.float32)
        grid[:, 4 * bins :] = -20
        made.append(grid)
    made[0][0, 4 * bins + 1, 1, 3] = logit(0.8)
    return made


def with_distances():
    """The object's sides are 1, 0.5, 2 and 3 strides from the centre of its cell, which is at (28, 12)."""
    made = grids(bins=4)
    box = np.full((4, 4), -50.0)
    box[0, 1] = 0  # the mean of a distribution that has all its weight on 1
    box[1, [0, 1]] = 0  # half on 0, half on 1
    box[2, [1, 3]] = 0  # half on 1, half on 3
    box[3, 3] = 0
    made[0][0, :16, 1, 3] = box.ravel()
    return made


BOX = [28 - 8, 12 - 4, 28 + 16, 12 + 24]


def one_object(kind, outputs, **more):
    boxes, scores, ids = decode(kind, outputs, classes=2, size=SIZE, threshold=0.1, **more)
    assert ids.tolist() == [1]
    assert scores.tolist() == pytest.approx([0.8], abs=1e-6)
    return boxes


@pytest.mark.parametrize(
    "arranged",
    [
        lambda grids: grids,
        lambda grids: grids[::-1],
        lambda grids: [grid.transpose(0, 2, 3, 1) for grid in grids],
        lambda grids: [part for grid in grids for part in (grid[:, :16], grid[:, 16:])],
        lambda grids: [grid[:, 16:] for grid in grids] + [grid[:, :16] for grid in grids],
        lambda grids: [part.transpose(0, 2, 3, 1) for grid in grids for part in (grid[:, :16], grid[:, 16:])],
    ],
    ids=["grids", "coarsest first", "channels last", "boxes apart", "classes first", "apart, channels last"],
)
def test_distances_are_the_means_of_their_distributions(arranged):
    assert np.allclose(one_object("yolov8", arranged(with_distances())), [BOX], atol=1e-9)


def test_a_head_without_distributions_gives_the_distances_themselves():
    made = grids(bins=1)
    made[0][0, :4, 1, 3] = [1, 0.5, 2, 3]
    assert np.allclose(one_object("yolov10", made), [BOX])


def test_anchors_are_scaled_and_shifted_by_sigmoids():
    made = [np.full((1, 3 * 7, SIZE[1] // stride, SIZE[0] // stride), -20.0) for stride in (8, 16)]
    # The second anchor of stride 16, 62x45, in row 0, column 2: s(x) 0.75, s(y) 0.5, s(w) 0.5, s(h) 0.25.
    made[1][0, 7:14, 0, 2] = [*logit(np.array([0.75, 0.5, 0.5, 0.25])), 20, -20, logit(0.8)]
    cx, cy, w, h = (2 + 1.0) * 16, (0 + 0.5) * 16, 30.0, 45 * 0.25
    anchors = [[(1, 1)] * 3, [(2, 2), (30, 45), (3, 3)]]
    assert np.allclose(one_object("yolov5", made, anchors=anchors), [[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]])
    (box,) = one_object("yolov5", made)  # its own anchor there is 62x45
    assert np.allclose([box[2] - box[0], box[3] - box[1]], [62, 45 * 0.25])


def test_decoded_outputs_are_taken_as_they_are():
    places = np.zeros((1, 6, 9))
    places[0, :, 4] = [32, 16, 20, 10, 0.0, 0.8]
    assert one_object("ultralytics", [places]).tolist() == [[22, 11, 42, 21]]
    assert one_object("ultralytics", [places.transpose(0, 2, 1)]).tolist() == [[22, 11, 42, 21]]
    assert one_object("end-to-end", [np.array([[[1, 2, 3, 4, 0.8, 1], [0, 0, 0, 0, 0, 0]]])]).tolist() == [[1, 2, 3, 4]]


def transformers_outputs(logits, places=30):
    random = np.random.default_rng(0)
    return random.normal(size=(1, places, logits)) * 2, random.uniform(0.2, 0.8, (1, places, 4))


def as_transformers_has_it(processor, logits, boxes, **more):
    import torch

    answer = SimpleNamespace(logits=torch.from_numpy(logits), pred_boxes=torch.from_numpy(boxes))
    (objects,) = processor.post_process_object_detection(
        answer, threshold=0.3, target_sizes=torch.tensor([SIZE[::-1]]), **more
    )
    order = np.argsort(-objects["scores"].numpy(), kind="stable")
    return [objects[name].numpy()[order] for name in ("boxes", "scores", "labels")]


@pytest.mark.parametrize("swapped", [False, True])
def test_detr_gives_the_likeliest_class_of_each_place(swapped):
    from transformers import DetrImageProcessorPil as Processor

    logits, boxes = transformers_outputs(6)
    got = decode("detr", [boxes, logits] if swapped else [logits, boxes], classes=5, size=SIZE, threshold=0.3)
    for ours, theirs in zip(got, as_transformers_has_it(Processor(), logits, boxes), strict=True):
        assert np.allclose(ours, theirs)
    assert len(got[0]) > 3


def test_rt_detr_gives_every_class_of_each_place():
    from transformers import RTDetrImageProcessorPil as Processor

    logits, boxes = transformers_outputs(5)
    expected = as_transformers_has_it(Processor(), logits, boxes)
    got = decode("rt-detr", [logits, boxes], classes=5, size=SIZE, threshold=0.3)
    n = len(expected[1])  # it takes as many pairs as there are places, of the highest scores
    for ours, theirs in zip(got, expected, strict=True):
        assert np.allclose(ours[:n], theirs)
    assert n > 3


@pytest.mark.parametrize(
    ("kind", "shapes", "why"),
    [
        ("yolov8", [(1, 17, 4, 8)], "17 channels"),
        ("yolov8", [(1, 18, 5, 8)], "no grids of an input of 64x32"),
        ("yolov5", [(1, 20, 4, 8)], "reshape"),
        ("ultralytics", [(1, 7, 9)], "9 rows"),
        ("ultralytics", [(1, 6, 9), (1, 6, 9)], "unpack"),
        ("end-to-end", [(1, 9, 7)], "7 columns"),
        ("detr", [(1, 9, 2), (1, 9, 4)], "logits have 3 columns"),
        ("rt-detr", [(1, 9, 2), (1, 9, 5)], "boxes 4"),
    ],
)
def test_other_outputs_are_refused_with_their_shapes(kind, shapes, why):
    outputs = [np.zeros(shape, np.float32) for shape in shapes]
    with pytest.raises(StepError, match=why) as raised:
        detect(outputs, Detector(kind=kind, classes=2), SIZE, place((8, 8), SIZE, letterbox=False), (8, 8), "a.onnx")
    assert "a.onnx: outputs [1, " in str(raised.value)
    assert raised.value.field == "detector.kind"


def test_every_kind_is_described():
    assert KINDS.keys() == DETECTORS.keys()


def test_suppression_follows_where_the_kind_asks_for_it():
    made = with_distances()
    made[0][0, :, 1, 4] = made[0][0, :, 1, 3]  # the same object again, one cell to the right: an IoU of 0.5
    placed = place((128, 64), SIZE, letterbox=False)
    counts = {
        kind: len(detect(made, Detector(kind=kind, classes=2, iou=0.4), SIZE, placed, (128, 64), "").ids)
        for kind in ("yolov8", "yolov10")
    }
    assert counts == {"yolov8": 1, "yolov10": 2}


def test_objects_are_in_pixels_of_the_image_and_no_more_than_the_limit():
    placed = place((128, 64), SIZE, letterbox=False)
    objects = detect(with_distances(), Detector(kind="yolov8", classes=2, limit=3), SIZE, placed, (128, 64), "")
    assert len(objects.scores) <= 3
    assert np.allclose(objects.boxes[0], [2 * side for side in [BOX[0], BOX[1], BOX[2], 32]])


def test_a_class_that_is_not_there_is_named():
    placed = place((8, 8), SIZE, letterbox=False)
    with pytest.raises(StepError, match=r"gives class 7, but detector\.classes is 2"):
        detect([np.array([[[1, 2, 3, 4, 0.8, 7]]])], Detector(kind="end-to-end", classes=2), SIZE, placed, (8, 8), "m")


def test_what_goes_to_the_board_needs_numpy_alone(tmp_path):
    for name in ("decode", "nms", "letterbox"):
        shutil.copy(Path(decode_module.__file__).with_name(f"{name}.py"), tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import decode, letterbox, nms, numpy\n"
        "decode.decode('end-to-end', [numpy.zeros((1, 3, 6))], classes=2, "
        "size=(8, 8), threshold=0.5)\n"
        "sys.exit(any(name.startswith(('recipebuild', 'pydantic', 'torch')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
