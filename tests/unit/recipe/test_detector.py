"""The section detector, the letterbox, and where an ONNX graph is cut."""

from __future__ import annotations

import pytest

ONNX = """
model: {source: ./net.onnx, task: object-detection, outputs: [/model.22/Concat_*]}
input: {shape: [1, 3, 640, 640], mean: [0, 0, 0], std: [255, 255, 255], resize: letterbox}
head: {kind: none}
detector: {kind: yolov8, classes: 80}
calibration: {source: images, format: Numpy}
target: {toolchain: onnxruntime}
"""
YOLOV5 = "kind: yolov5, classes: 80, anchors: [[[10, 13], [16, 30], [33, 23]]]"


@pytest.fixture
def net(desk):
    (desk.folder / "net.onnx").write_bytes(b"")
    return desk


def test_a_detector_has_its_defaults(net):
    recipe = net.one(ONNX).recipe
    assert recipe.model.outputs == ("/model.22/Concat_*",)
    assert recipe.detector.model_dump() == {
        "kind": "yolov8", "classes": 80, "threshold": 0.001, "iou": 0.7, "limit": 100, "anchors": None,
    }  # fmt: skip
    assert (recipe.input.resize, recipe.input.pad_value, recipe.input.align) == ("letterbox", 114, "center")


def test_anchors_are_pairs_of_a_grid(net):
    recipe = net.one(ONNX.replace("kind: yolov8, classes: 80", YOLOV5)).recipe
    assert recipe.detector.anchors == [((10, 13), (16, 30), (33, 23))]


BAD = {
    "a head": ("head: {kind: none}", "head: {kind: «argmax}", ["boxes are made by the program", "kind: none"]),
    "no detector": ("detector: {kind: yolov8, classes: 80}\n", "", ["does not say", "kind: yolov8"]),
    "no kind": ("kind: yolov8", "kind: «yolov88", ["yolov8"]),
    "no classes": (", classes: 80", "", ["classes"]),
    "another task": ("object-detection", "depth-estimation", ["depth-estimation has no boxes"]),
    "images": (", format: Numpy", ", format: «Image", ["Pulsar2 stretches", "format: Numpy"]),
    "names": ("target:", "evaluate: {dataset: labelled, labels: «[a, b]}\ntarget:", ["2 names, but detector.classes"]),
    "a folder": ("./net.onnx", "owner/name", ["is no ONNX file"]),
    "two anchors": ("kind: yolov8", "kind: yolov5, anchors: [[[1, 2], [3, 4]]]", ["anchors"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told(net, marked, case):
    before, after, words = BAD[case]
    assert before in ONNX
    text = ONNX.replace(before, after)
    line = None
    if "«" in text:
        text, line, _ = marked(text)
    problem = net.problem(text)
    for word in words:
        assert word in str(problem)
    assert line is None or problem.place.line == line
