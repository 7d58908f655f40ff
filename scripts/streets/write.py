"""The quickstart's files: pictures and label maps, the model in Hugging Face layout, a README with the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from scripts.streets.canvas import HEIGHT, WIDTH
from scripts.streets.labels import IGNORE, OBJECTS
from scripts.streets.scenes import Scene
from scripts.streets.train import MEAN, STD, Accuracy

if TYPE_CHECKING:
    from transformers import SegformerForSemanticSegmentation

README = """\
# Quickstart data

A small SegFormer and drawn street scenes, so that `make run` can build, quantize and measure a model without any
download. None of it is a photograph: the scenes are drawn by `scripts/streets` from seeds, and the model is trained
on such scenes alone. It is good for trying recipebuild, and not for real streets.

| path | what it is |
|---|---|
| `model/` | SegFormer in Hugging Face layout: {parameters:,} parameters, input 1x3x256x512, 19 classes |
| `calibration/` | {calibration} scenes to calibrate a quantizer with |
| `heldout/` | {heldout} scenes: `images/*.jpg`, `labels/*.png` (train ids, {ignore} = ignore), `instances.json` |

The input is RGB with mean {mean} and std {std}; the classes are Cityscapes', of which {classes} occur.
Training, calibration and held-out scenes are drawn from different seeds: the model has seen neither folder.
`instances.json` has the boxes of cars, people and street lamps as COCO has them, for the quickstart's detector; what
nearer things hide is marked `iscrowd`.

## Made by

    make assets

It draws {train} scenes, trains for {steps} steps on the CPU, and measures: {seconds:.0f} s on the machine that made
these files. On one machine the same seeds give the same files.

## Measured

The float model on the held-out scenes; logits, argmax, each pixel repeated 4x4, one confusion matrix over all scenes.

**mIoU {miou:.4f}** over the {classes} classes present, **pixel accuracy {accuracy:.4f}**.

| class | IoU |
|---|---|
{table}

## Licence

Apache-2.0, as everything here.
"""


def write_scenes(scenes: list[Scene], images: Path, labels: Path | None = None) -> None:
    """Write ``street-00.jpg`` and so on, and label maps of the same names as PNG if a folder for them is given."""
    for folder in (images, labels):
        if folder is not None:
            folder.mkdir(parents=True)
    for index, scene in enumerate(scenes):
        name = f"street-{index:02d}"
        Image.fromarray(scene.image).save(images / f"{name}.jpg", quality=90, optimize=True)
        if labels is not None:
            Image.fromarray(scene.labels).save(labels / f"{name}.png", optimize=True)


def write_boxes(scenes: Sequence[Scene], folder: Path) -> None:
    """Write ``instances.json``, as COCO has it: boxes in the pictures of ``write_scenes``, ``iscrowd`` if hidden."""
    images = [
        {"id": index, "file_name": f"street-{index:02d}.jpg", "width": WIDTH, "height": HEIGHT}
        for index in range(len(scenes))
    ]
    annotations = [
        {"image_id": index, "category_id": thing.label, "bbox": _bbox(thing.box), "iscrowd": int(thing.hidden)}
        for index, scene in enumerate(scenes)
        for thing in scene.objects
    ]
    content = {
        "images": images,
        "categories": [{"id": label, "name": name} for label, name in OBJECTS.items()],
        "annotations": [{"id": number, **values} for number, values in enumerate(annotations, 1)],
    }
    rows = {key: ",\n".join(map(json.dumps, values)) for key, values in content.items()}
    text = ",\n".join(f'"{key}": [\n{lines}\n]' for key, lines in rows.items())
    (folder / "instances.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def _bbox(box: tuple[int, int, int, int]) -> list[int]:
    """x, y, width, height."""
    left, top, right, bottom = box
    return [left, top, right - left, bottom - top]


def read_scenes(images: Path, labels: Path) -> list[Scene]:
    """Read back what ``write_scenes`` wrote, as any user of the files would."""
    pairs = [(path, labels / f"{path.stem}.png") for path in sorted(images.glob("*.jpg"))]
    return [
        Scene(np.asarray(Image.open(image).convert("RGB")), np.asarray(Image.open(label))) for image, label in pairs
    ]


def write_model(model: SegformerForSemanticSegmentation, folder: Path, size: tuple[int, int]) -> None:
    """Write config.json, model.safetensors, and preprocessor_config.json for ``size`` (rows, columns)."""
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    preprocessor = {
        "do_normalize": True,
        "do_reduce_labels": False,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [round(value / 255, 4) for value in MEAN],
        "image_processor_type": "SegformerImageProcessor",
        "image_std": [round(value / 255, 4) for value in STD],
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"height": size[0], "width": size[1]},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n", encoding="utf-8")


def write_readme(path: Path, accuracy: Accuracy, **figures: float) -> None:
    """Write the README; ``figures`` are the numbers of scenes, steps, seconds and parameters that it names."""
    table = "\n".join(f"| {name} | {value:.3f} |" for name, value in accuracy.iou.items())
    text = README.format(
        mean=" ".join(map(str, MEAN)),
        std=" ".join(map(str, STD)),
        ignore=IGNORE,
        miou=accuracy.mean_iou,
        accuracy=accuracy.pixel_accuracy,
        classes=len(accuracy.iou),
        table=table,
        **figures,
    )
    path.write_text(text, encoding="utf-8")
