"""The quickstart's detector: what it is trained on, what it is punished for, and the promises of the committed file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from recipebuild.toolkit.detection.decode import KINDS
from scripts.detector.loss import Truth, assign, complete_iou, detection_loss
from scripts.detector.network import BINS, CLASSES, Decoded, Detector, places
from scripts.detector.train import HEIGHT, WIDTH, to_batch, vary
from scripts.streets.labels import CAR, PERSON
from scripts.streets.scenes import Object, Scene

DATA = Path(__file__).resolve().parents[2] / "recipes" / "quickstart-detector"
SIZES = [(HEIGHT // stride, WIDTH // stride) for stride in (8, 16, 32)]


def scene_with(*objects: Object) -> Scene:
    """A black scene in which the boxes of objects are white."""
    image = np.zeros((256, 512, 3), np.uint8)
    for thing in objects:
        left, top, right, bottom = thing.box
        image[top:bottom, left:right] = 255
    return Scene(image, np.zeros((256, 512), np.uint8), objects)


@pytest.mark.parametrize("seed", range(6))
def test_boxes_follow_what_is_done_to_a_picture(seed: int) -> None:
    scene = scene_with(Object(CAR, (200, 90, 280, 150), hidden=False))
    view = vary(scene, np.random.default_rng(seed))
    assert view.image.shape == (HEIGHT, WIDTH, 3) and view.ids.tolist() == [0]
    least = view.image.min(axis=2)
    rows, columns = np.nonzero(least > 0.75 * least.max())  # white, and not what fills up
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(view.boxes[0] - seen).max() < 2


def test_what_is_hidden_is_neither_right_nor_wrong() -> None:
    scene = scene_with(Object(PERSON, (200, 90, 280, 150), hidden=True))
    _, hidden = to_batch([vary(scene, np.random.default_rng(0))], "cpu")
    assert not hidden.real.any() and hidden.hidden.all()
    quiet = [torch.full((1, 4 * BINS + len(CLASSES), *size), -8.0) for size in SIZES]
    loud = quiet[0].clone()
    left, top, right, bottom = (round(float(side)) // 8 for side in hidden.boxes[0, 0])
    loud[:, 4 * BINS :, top + 1 : bottom - 1, left + 1 : right - 1] = 8
    none = torch.zeros(1, 1, dtype=torch.bool)
    nothing = Truth(hidden.boxes, hidden.ids, none, none)
    with_hidden, with_nothing = (float(detection_loss([loud, *quiet[1:]], truth)) for truth in (hidden, nothing))
    assert with_hidden == pytest.approx(float(detection_loss(quiet, nothing)), abs=0.1)
    assert with_nothing > with_hidden + 10


def test_places_that_are_right_stand_for_the_object() -> None:
    centres, strides = places(SIZES)
    box = torch.tensor([[[64.0, 48.0, 128.0, 96.0]]])
    yes, no = torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.bool)
    truth = Truth(box, torch.tensor([[1]]), yes, no)
    points = centres * strides[:, None]
    inside = ((points > box[0, 0, :2]) & (points < box[0, 0, 2:])).all(1)[None, None]
    chosen = assign(torch.full((1, len(points), 3), 0.5), box.expand(1, len(points), 4), inside, truth)
    assert int(chosen.taken.sum()) == 10 and not (chosen.taken & ~inside[0]).any()
    assert chosen.quality[chosen.taken].tolist() == pytest.approx([1.0] * 10)


def test_complete_iou_is_1_for_equal_boxes_and_falls_with_the_distance() -> None:
    one = torch.tensor([[0.0, 0, 10, 10]])
    near, far = (complete_iou(one, one + shift) for shift in (20.0, 40.0))
    assert complete_iou(one, one).item() == pytest.approx(1)
    assert 0 > near.item() > far.item()


def test_decoded_boxes_are_those_of_recipebuild() -> None:
    torch.manual_seed(0)
    model = Detector().eval()
    images = torch.rand(1, 3, HEIGHT, WIDTH)
    with torch.no_grad():
        grids, decoded = model(images), Decoded(model)(images)
    size = WIDTH, HEIGHT
    ours, our_scores = KINDS["yolov8"]([grid.numpy() for grid in grids], len(CLASSES), size, ())
    boxes, scores = KINDS["ultralytics"]([decoded.numpy()], len(CLASSES), size, ())
    assert np.allclose(ours, boxes, atol=1e-3) and np.allclose(our_scores, scores, atol=1e-6)


def test_the_committed_model_is_small_and_as_the_readme_says() -> None:
    path = DATA / "detector.onnx"
    assert path.stat().st_size < 1_600_000
    graph = onnx.load(path).graph
    (image,), (output,) = graph.input, graph.output
    sizes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in (image, output)]
    assert (image.name, output.name) == ("images", "output0")
    assert sizes == [[1, 3, HEIGHT, WIDTH], [1, 4 + len(CLASSES), sum(rows * columns for rows, columns in SIZES)]]
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in text
    assert float(text.split("**mAP ")[1].split("**")[0]) >= 0.35
