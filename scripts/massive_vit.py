"""A vision transformer with massive activations, trained on drawn shapes: ``python -m scripts.massive_vit [TARGET]``.

DINOv2 and its kin keep values of hundreds in a few channels of the class token and of registers, where those of patches
are ordinary (M. Sun et al., "Massive Activations in Large Language Models", arXiv 2402.17762, section 5; T. Darcet et
al., "Vision Transformers Need Registers", arXiv 2309.16588). In 8 bits one scale for all tokens leaves the patches a
few codes. This is such a model, small enough to train on one core in minutes: DINOv2 with registers, 12 blocks of 96
channels, whose class token and registers *begin* with +-400 in some channels, so that training fits the weights to
them. One seed gives the same weights on one machine; on another kind of CPU their last digits differ.

A picture is one of ten shapes, turned a little, on a darker background of gradients and strokes. Its seed draws the
same picture in every size.
"""

from __future__ import annotations

import logging
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scripts.small_models import fit, kept

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import Dinov2WithRegistersForImageClassification

    Pixels = NDArray[np.uint8]

NAMES = ("circle", "ring", "triangle", "square", "pentagon", "star", "cross", "arrow", "crescent", "bars")
SIZE = 84
"""Pixels, of each side: 6 x 6 patches of 14 pixels."""
MASSIVE = {7: 400.0, 41: -400.0, 66: 300.0}
"""What class token and registers begin with, by channel."""
MEAN, STD = 127.5, 60.0
"""Of pixels, 0..255, of each colour."""
STEPS, BATCH, RATE, WARM_UP = 500, 32, 1e-3, 50
HELD_OUT = 1_000_000
"""Seeds from here on are never trained on."""


def draw(seed: int, size: int = SIZE) -> tuple[Pixels, int]:
    """A picture, RGB [size, size, 3], and its class."""
    rng = np.random.default_rng(seed)
    label = int(rng.integers(len(NAMES)))
    low, high = np.sort(rng.integers(0, 120, (2, 3)), axis=0)
    across = rng.normal(size=2)
    rows, columns = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    slope = rows * across[0] + columns * across[1]
    slope = (slope - slope.min()) / np.ptp(slope)
    picture = Image.fromarray((low + (high - low) * slope[..., None]).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.integers(0, 4)):  # strokes behind the shape
        ends = rng.uniform(0, size, 2), rng.uniform(0, size, 2)
        pen.line([tuple(end) for end in ends], tuple(rng.integers(0, 160, 3).tolist()), max(1, round(0.02 * size)))
    middle, radius, turn = rng.uniform(0.42, 0.58, 2), rng.uniform(0.26, 0.36), rng.uniform(-0.3, 0.3)
    colour = rng.integers(150, 256, 3)
    mask = Image.new("L", (size, size))
    _shape(NAMES[label], ImageDraw.Draw(mask), size * middle, size * radius, turn)
    picture.paste(tuple(colour.tolist()), mask=mask.filter(ImageFilter.GaussianBlur(size / 168)))
    return np.asarray(picture), label


def _shape(name: str, pen: ImageDraw.ImageDraw, middle: NDArray[Any], radius: float, turn: float) -> None:
    """Paint a shape of class ``name`` into a mask."""

    def at(angle: float, away: float) -> tuple[float, float]:
        return (
            float(middle[0] + radius * away * math.cos(turn + angle)),
            float(middle[1] + radius * away * math.sin(turn + angle)),
        )

    def polygon(points: list[tuple[float, float]], fill: int = 255) -> None:
        """Paint a polygon of points (x, y) in units of the radius, before the turn."""
        pen.polygon([at(math.atan2(y, x), math.hypot(x, y)) for x, y in points], fill)

    def disc(centre: tuple[float, float], away: float, fill: int) -> None:
        (x, y), r = centre, radius * away
        pen.ellipse((x - r, y - r, x + r, y + r), fill)

    def regular(corners: int, inner: float | None = None) -> list[tuple[float, float]]:
        points = []
        for corner in range(corners):
            for part, away in ((0.0, 1.0), *([(0.5, inner)] if inner else [])):
                angle = 2 * math.pi * (corner + part) / corners
                points.append((away * math.cos(angle), away * math.sin(angle)))
        return points

    if name in ("circle", "ring", "crescent"):
        disc(at(0, 0), 0.9, 255)
        if name != "circle":
            disc(at(0, 0 if name == "ring" else 0.5), 0.55 if name == "ring" else 0.75, 0)
    elif name in ("triangle", "square", "pentagon"):
        polygon(regular({"triangle": 3, "square": 4, "pentagon": 5}[name]))
    elif name == "star":
        polygon(regular(5, 0.4))
    elif name == "cross":
        polygon([(-1, -0.28), (1, -0.28), (1, 0.28), (-1, 0.28)])
        polygon([(-0.28, -1), (0.28, -1), (0.28, 1), (-0.28, 1)])
    elif name == "arrow":
        polygon([(-1, -0.2), (0.1, -0.2), (0.1, 0.2), (-1, 0.2)])
        polygon([(0.1, -0.65), (1, 0), (0.1, 0.65)])
    else:
        for y in (-0.65, 0.0, 0.65):
            polygon([(-0.9, y - 0.18), (0.9, y - 0.18), (0.9, y + 0.18), (-0.9, y + 0.18)])


def batch(seeds: range, size: int = SIZE) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pictures as the model takes them, [N, 3, size, size], and their classes."""
    drawn = [draw(seed, size) for seed in seeds]
    pixels = np.stack([picture for picture, _ in drawn]).transpose(0, 3, 1, 2)
    return ((pixels - MEAN) / STD).astype(np.float32), np.array([label for _, label in drawn])


def save(folder: Path, seeds: range, size: int = SIZE, *, by_class: bool = False) -> None:
    """Draw pictures into PNG files; a folder for each class if ``by_class``."""
    for seed in seeds:
        pixels, label = draw(seed, size)
        place = folder / NAMES[label] if by_class else folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{seed}.png")


def build() -> Dinov2WithRegistersForImageClassification:
    """The model before training."""
    import torch
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersForImageClassification

    names = dict(enumerate(NAMES))
    config = Dinov2WithRegistersConfig(
        hidden_size=96,
        num_hidden_layers=12,
        num_attention_heads=4,
        image_size=SIZE,
        patch_size=14,
        num_register_tokens=4,
        layerscale_value=0.3,
        id2label=names,
        label2id={name: index for index, name in names.items()},
    )
    model = Dinov2WithRegistersForImageClassification(config)
    # Transformers' own initialization is meant for fine-tuning: from scratch it takes many times the steps.
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            torch.nn.init.xavier_uniform_(layer.weight.flatten(1))
    embeddings = model.dinov2_with_registers.embeddings
    with torch.no_grad():
        for tokens in (embeddings.cls_token, embeddings.register_tokens):
            tokens.normal_(std=0.1)
            for channel, value in MASSIVE.items():
                tokens[..., channel] += value
    return model


def train(steps: int = STEPS) -> Dinov2WithRegistersForImageClassification:
    """Train on pictures that are drawn anew in every step."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    model = build()
    plain = [parameter for parameter in model.parameters() if parameter.ndim < 2 or parameter.ndim == 3]
    decayed = [parameter for parameter in model.parameters() if not (parameter.ndim < 2 or parameter.ndim == 3)]
    groups = [{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.02}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    batches = iter(batch(range(first, first + BATCH)) for first in range(0, steps * BATCH, BATCH))

    def loss() -> torch.Tensor:
        images, labels = map(torch.from_numpy, next(batches))
        return torch.nn.functional.cross_entropy(model(pixel_values=images).logits, labels, label_smoothing=0.05)

    fit(model, loss, optimizer, schedule, steps, clip=1.0)
    return model


def _rate(step: int, steps: int) -> float:
    return min((step + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * step / steps))


def made(target: Path) -> Path:
    """The model's folder in Hugging Face layout; trained if it is not there yet."""
    return kept(target, train)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    made(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/massive-vit"))
