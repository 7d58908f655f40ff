"""A detector that is right by construction, and images for it: red, green and blue squares on a grid of 8 pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 64
INPUT = {"name": "images", "shape": [1, 3, SIDE, SIDE], "color": "RGB", "mean": [0, 0, 0], "std": [255, 255, 255]}
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
NAMES = ["red", "green", "blue"]
DETECTOR = {"kind": "yolov10", "classes": 3}


def detector_model(path: Path, shift: float = 0.0) -> Path:
    """Writes a model with the grid [1, 4 + 3, 8, 8], tensor ``grid``, and behind it a tail that nobody wants.

    Each cell's box is the cell, moved to the right by ``shift`` cells; a class's logit is 10 in a cell of its colour.
    """
    weights = np.zeros((7, 3, 1, 1), np.float32)
    weights[4:, :, 0, 0] = 40 * np.eye(3) - 20
    bias = np.array([0.5 - shift, 0.5, 0.5 + shift, 0.5, -10, -10, -10], np.float32)
    nodes = [
        helper.make_node("AveragePool", ["images"], ["cells"], "pool", kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["cells", "weights", "bias"], ["grid"], "conv"),
        helper.make_node("Reshape", ["grid", "flat"], ["tail"], "tail"),
    ]
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(bias, "bias"),
        numpy_helper.from_array(np.array([1, 7, 64]), "flat"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in
            (("images", [1, 3, SIDE, SIDE]), ("tail", [1, 7, 64]))]  # fmt: skip
    graph = helper.make_graph(nodes, "detector", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def squares(folder: Path, count: int = 6, size: tuple[int, int] = (SIDE, SIDE // 2)) -> Path:
    """A dataset as COCO has it: in each image a square of each colour, in cells of their own."""
    (folder / "images").mkdir(parents=True)
    (folder / "annotations").mkdir()
    random = np.random.default_rng(0)
    images: list[dict] = []
    annotations: list[dict] = []
    for number in range(count):
        pixels = np.full((size[1], size[0], 3), 40, np.uint8)
        columns = size[0] // 8 - 1  # a box that is moved to the right stays inside
        cells = random.choice(columns * size[1] // 8, 3, replace=False)
        for class_id, cell in enumerate(cells.tolist()):
            row, column = (8 * at for at in divmod(cell, columns))
            pixels[row : row + 8, column : column + 8] = COLOURS[class_id]
            box = {"image_id": number, "category_id": class_id, "bbox": [column, row, 8, 8]}
            annotations.append({"id": len(annotations), "iscrowd": 0, **box})
        Image.fromarray(pixels).save(folder / f"images/{number}.png")
        images.append({"id": number, "file_name": f"{number}.png"})
    categories = [{"id": i, "name": name} for i, name in enumerate(NAMES)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations/instances_val.json").write_text(json.dumps(content))
    return folder
