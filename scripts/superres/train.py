"""Trains the quickstart's super-resolution network on drawn scenes.

``train(images, settings)`` returns it in evaluation mode; on one machine the same images and settings give the same
weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scripts.small_models import fit
from scripts.superres.network import FACTOR, SuperResolution

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """How to train: Adam on the mean absolute error, the learning rate falls along a cosine."""

    steps: int = 700
    batch: int = 8
    side: int = 96
    learning_rate: float = 2e-3
    threads: int = 1
    seed: int = 0


def smaller(pixels: Pixels) -> Pixels:
    """An image [H, W, 3] at half its size, as Pillow's antialiased bilinear filter makes it."""
    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels).resize((width // FACTOR, height // FACTOR), Image.Resampling.BILINEAR)
    return np.asarray(small)


def to_tensor(images: Sequence[Pixels]) -> torch.Tensor:
    """Images of one size as float32 [N, 3, H, W] in 0..1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def train(images: Sequence[Pixels], settings: Settings) -> SuperResolution:
    """The network that makes ``images`` of what is left of them at half the size."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = SuperResolution()
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)

    def loss() -> torch.Tensor:
        patches = [_patch(images[int(rng.integers(len(images)))], settings.side, rng) for _ in range(settings.batch)]
        made = model(to_tensor([smaller(patch) for patch in patches]))
        return (made - to_tensor(patches)).abs().mean()

    fit(model, loss, optimizer, rate, settings.steps)
    return model


def _patch(image: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """A square of an image, mirrored or not."""
    top, left = (int(rng.integers(room - side + 1)) for room in image.shape[:2])
    patch = image[top : top + side, left : left + side]
    return np.ascontiguousarray(patch[:, ::-1] if rng.random() < 0.5 else patch)
