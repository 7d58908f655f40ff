"""Trains the quickstart's SegFormer on drawn scenes, on the CPU, and measures how well a model segments scenes.

``train(scenes, settings)`` returns a Hugging Face model in evaluation mode; on one machine the same scenes and settings
give the same weights.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scripts.streets.labels import IGNORE, NAMES
from scripts.streets.scenes import Scene

if TYPE_CHECKING:
    import torch
    from transformers import SegformerForSemanticSegmentation

MEAN = (123.675, 116.28, 103.53)
"""Per channel of RGB, 0..255 units."""
STD = (58.395, 57.12, 57.375)
STRIDE = 4
"""A SegFormer's logits are this many times smaller than its input."""

Predict = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
"""Pixels uint8 [H, W, 3] to class ids [H/4, W/4]."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to train. The learning rate rises over the first steps, then falls to 0 along a cosine."""

    steps: int = 3000
    batch: int = 8
    learning_rate: float = 5e-3
    weight_decay: float = 0.02
    warm_up: int = 150
    crop: tuple[int, int] = (128, 256)
    """Rows and columns of what the model sees of a scene in a step."""
    threads: int = 2
    seed: int = 0


def build_model() -> SegformerForSemanticSegmentation:
    """A SegFormer laid out as B0 is, with narrower stages; randomly initialized from torch's global generator."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    names = dict(enumerate(NAMES))
    config = SegformerConfig(
        num_labels=len(NAMES),
        id2label=names,
        label2id={name: index for index, name in names.items()},
        hidden_sizes=[16, 32, 64, 128],
        num_attention_heads=[1, 2, 4, 8],
        depths=[1, 1, 1, 1],
        decoder_hidden_size=64,
        drop_path_rate=0.0,
        classifier_dropout_prob=0.0,
    )
    model = SegformerForSemanticSegmentation(config)
    # Transformers' own initialization is meant for fine-tuning: from scratch it takes many times the steps.
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    return model


def to_input(images: NDArray[np.uint8]) -> torch.Tensor:
    """Pixels uint8 [N, H, W, 3], RGB, to the model's input float32 [N, 3, H, W]."""
    import torch

    pixels = (images.astype(np.float32) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def train(scenes: Sequence[Scene], settings: Settings) -> SegformerForSemanticSegmentation:
    """Train on crops of the scenes, varied anew in every step."""
    import torch

    torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a sixth of the time
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = build_model().train()
    optimizer = torch.optim.AdamW(_groups(model, settings), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, settings))
    weights = torch.from_numpy(class_weights(scenes))
    started = time.monotonic()
    order: list[int] = []
    for step in range(settings.steps):
        if len(order) < settings.batch:
            order.extend(rng.permutation(len(scenes)).tolist())
        chosen = [vary(scenes[order.pop()], settings.crop, rng) for _ in range(settings.batch)]
        logits = model(pixel_values=to_input(np.stack([s.image for s in chosen]))).logits
        # One pixel of each 4x4 block, another in every step, teaches the block's mixture at a sixteenth of the cost.
        row, column = rng.integers(STRIDE, size=2)
        labels = np.stack([s.labels[row::STRIDE, column::STRIDE] for s in chosen]).astype(np.int64)
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels), weights, ignore_index=IGNORE)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 25 == 0 or step == settings.steps - 1:
            logger.info(
                "step %d of %d: loss %.4f, %.0f s", step, settings.steps, loss.item(), time.monotonic() - started
            )
    return model.eval()


def class_weights(scenes: Sequence[Scene]) -> NDArray[np.float32]:
    """A weight per class, float32 [19]: frequency to the power of -1/4, so that rare classes count for more."""
    counts = sum(np.bincount(s.labels.ravel(), minlength=256)[: len(NAMES)] for s in scenes)
    share = np.maximum(counts / np.sum(counts), 1e-4)
    weights = share**-0.25
    return (weights / np.sum(weights * share)).astype(np.float32)


def vary(scene: Scene, size: tuple[int, int], rng: np.random.Generator) -> Scene:
    """A crop of a scene, zoomed and mirrored at random, in another exposure and colour."""
    from PIL import Image

    rows, columns = scene.labels.shape
    zoom = math.exp(rng.uniform(math.log(0.5), math.log(1.0)))
    high, wide = min(rows, round(size[0] / zoom)), min(columns, round(size[1] / zoom))
    top, left = rng.integers(rows - high + 1), rng.integers(columns - wide + 1)
    box = (left, top, left + wide, top + high)
    target = (size[1], size[0])
    image = np.asarray(Image.fromarray(scene.image).resize(target, Image.Resampling.BILINEAR, box), np.float32)
    labels = np.asarray(Image.fromarray(scene.labels).resize(target, Image.Resampling.NEAREST, box))
    if rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    gain = rng.uniform(0.75, 1.3) * rng.normal(1, 0.05, 3)
    image = (image - 128) * rng.uniform(0.8, 1.2) + 128 * rng.uniform(0.85, 1.15)
    return Scene(np.clip(image * gain, 0, 255).astype(np.uint8), np.ascontiguousarray(labels))


def _groups(model: torch.nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only, not for biases and norms."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]


def _rate(step: int, settings: Settings) -> float:
    if step < settings.warm_up:
        return (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(1, settings.steps - settings.warm_up)
    return 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Accuracy:
    """``iou`` has the classes that the ground truth shows, by name, 0..1."""

    iou: dict[str, float]
    pixel_accuracy: float

    @property
    def mean_iou(self) -> float:
        return sum(self.iou.values()) / len(self.iou)


def measure(scenes: Iterable[Scene], predict: Predict) -> Accuracy:
    """One confusion matrix over all scenes; predictions are enlarged to the labels' size by repeating pixels."""
    count = len(NAMES)
    confusion = np.zeros((count, count), np.int64)
    for scene in scenes:
        ids = predict(scene.image)
        factor = scene.labels.shape[0] // ids.shape[0]
        full = ids.repeat(factor, axis=0).repeat(factor, axis=1)
        counted = scene.labels < count
        pairs = scene.labels[counted].astype(np.int64) * count + full[counted]
        confusion += np.bincount(pairs, minlength=count * count).reshape(count, count)
    right, truth, predicted = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    iou = {NAMES[c]: float(right[c] / (truth[c] + predicted[c] - right[c])) for c in range(count) if truth[c]}
    return Accuracy(iou, float(right.sum() / truth.sum()))
