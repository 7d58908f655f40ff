"""The detector's files, an ONNX model and a README with its figures; and how the figures are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recipebuild.toolkit.detection.detector import Detector as Outputs
from recipebuild.toolkit.detection.detector import detect
from recipebuild.toolkit.detection.letterbox import place
from recipebuild.toolkit.detection.precision import MatchTable, match
from recipebuild.toolkit.evaluate.box_folders import coco
from scripts.detector.network import CLASSES, STRIDES, Decoded, Detector
from scripts.detector.train import GREY, HEIGHT, WIDTH
from scripts.small_models import write_onnx

README = """\
# Quickstart detector

A small object detector, so that a build can measure what 8 bits cost one without any download. It is trained on the
drawn streets of `scripts/streets` alone: it is good for trying recipebuild, and not for real streets.

`detector.onnx` is laid out as Ultralytics' YOLOv8 is, in {parameters:,} parameters.
Input: `images` 1x3x{height}x{width}, RGB in 0..1, letterboxed.
Output: `output0` 1x{rows}x{places}, of each place cx, cy, w, h in pixels and the probabilities of {classes}.
The grids before they are decoded are the three tensors `/detector/head/Concat*_output_0`.

It is calibrated and measured on the scenes in `recipes/quickstart/`: `calibration/`, and `heldout/` with the boxes in
`instances.json`. An object of which nearer ones leave less than 30 % is marked `iscrowd`: to detect it is neither right
nor wrong.

## Made by

    make assets

It draws {train} scenes and trains for {steps} steps, on the CPU.
`scripts/detector/README.md` says more.

## Measured

The float model on the held-out scenes, in PyTorch, by the program that made it; COCO's figures.

**mAP {map:.4f}**, **mAP50 {map50:.4f}**.

| class | mAP |
|---|---|
{table}

## Licence

Apache-2.0, as everything here.
"""


def measure(model: Detector, folder: Path) -> dict[str, float]:
    """COCO's ``map`` and ``map50`` on the scenes of a folder with ``instances.json``, and of each class its mAP."""
    matches = []
    for name, file, label in coco(folder, None, CLASSES):
        image = Image.open(folder / "images" / file.name).convert("RGB")
        placed = place(image.size, (WIDTH, HEIGHT), letterbox=True)
        picture = Image.new("RGB", (WIDTH, HEIGHT), (GREY, GREY, GREY))
        scaled = image.resize((placed.width, placed.height), Image.Resampling.BILINEAR)
        picture.paste(scaled, (placed.left, placed.top))
        pixels = torch.from_numpy(np.asarray(picture, np.float32)).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            grids = [grid.numpy() for grid in model(pixels)]
        outputs = Outputs(kind="yolov8", classes=len(CLASSES))
        objects = detect(grids, outputs, (WIDTH, HEIGHT), placed, image.size, name)
        matches.append(match(objects, label.truth(image.size, len(CLASSES))))
    table, once = MatchTable(matches, len(CLASSES)), np.ones(len(matches))
    figures = {name: float(value) for name, value in table.figures(once).items()}
    return figures | {CLASSES[i]: value for i, value in table.per_class(once).items()}


def write_model(model: Detector, path: Path) -> None:
    """Write the model with decoded boxes, simplified, as Ultralytics export theirs."""
    write_onnx(Decoded(model).eval(), path, {"images": (1, 3, HEIGHT, WIDTH)}, ["output0"])


def write_readme(path: Path, measured: dict[str, float], **figures: int) -> None:
    """Write the README; ``figures`` are the numbers of parameters, scenes and steps that it names."""
    text = README.format(
        height=HEIGHT,
        width=WIDTH,
        rows=4 + len(CLASSES),
        places=sum(HEIGHT // stride * WIDTH // stride for stride in STRIDES),
        classes=f"{', '.join(CLASSES[:-1])} and {CLASSES[-1]}",
        map=measured["map"],
        map50=measured["map50"],
        table="\n".join(f"| {name} | {measured[name]:.3f} |" for name in CLASSES if name in measured),
        **figures,
    )
    path.write_text(text, encoding="utf-8")
