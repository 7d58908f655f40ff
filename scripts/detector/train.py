"""Trains the quickstart's detector on drawn scenes.

``train(scenes, settings)`` returns a ``Detector`` in evaluation mode; on one machine the same scenes and settings give
the same weights. The weights are the moving average of those of all steps.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scripts.detector.loss import Truth, detection_loss
from scripts.detector.network import Detector
from scripts.streets.labels import OBJECTS
from scripts.streets.scenes import LEAST_SHARE, Scene

HEIGHT, WIDTH = 192, 320
"""Of the input: scenes are wider, so that a letterbox has grey above and below them."""
GREY = 114
CLASS_IDS = {label: at for at, label in enumerate(OBJECTS)}
"""Class ids of the detector by those of label maps."""
LEAST = 3
"""Pixels of the input below which an object at the edge is hidden."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to train. The learning rate rises over the first steps, then falls along a cosine.

    It would reach 0 after ``horizon`` steps; training ends before, and the average of the weights is what it gives.
    """

    steps: int = 1100
    horizon: int = 2000
    batch: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    warm_up: int = 100
    average: float = 0.998
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class View:
    """What the detector sees: pixels uint8 [HEIGHT, WIDTH, 3], boxes [m, 4] in pixels, ids [m], hidden [m]."""

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    hidden: NDArray[np.bool_]


def train(scenes: Sequence[Scene], settings: Settings, device: str = "cpu") -> Detector:
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = Detector().to(device, memory_format=torch.channels_last).train()
    mean = copy.deepcopy(model).eval()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, settings))
    started = time.monotonic()
    order: list[int] = []
    lately = 0.0
    for step in range(settings.steps):
        if len(order) < settings.batch:
            order.extend(rng.permutation(len(scenes)).tolist())
        views = [vary(scenes[order.pop()], rng) for _ in range(settings.batch)]
        images, truth = to_batch(views, device)
        loss = detection_loss(model(images), truth)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        _follow(mean, model, min(settings.average, (step + 1) / (step + 10)))
        lately += (loss.item() - lately) / min(step + 1, 50)
        if step % 25 == 0 or step == settings.steps - 1:
            logger.info("step %d of %d: loss %.3f, %.0f s", step, settings.steps, lately, time.monotonic() - started)
    return mean.cpu()


@torch.no_grad()
def _follow(mean: Detector, model: Detector, share: float) -> None:
    for slow, fast in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - share)
        else:
            slow.copy_(fast)


def _rate(step: int, settings: Settings) -> float:
    if step < settings.warm_up:
        return (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(1, settings.horizon - settings.warm_up)
    return 0.5 * (1 + math.cos(math.pi * done))


def vary(scene: Scene, rng: np.random.Generator) -> View:
    """A scene, larger or smaller, somewhere in the input, mirrored or not, in another exposure and colour."""
    rows, columns = scene.labels.shape
    scale = WIDTH / columns * math.exp(rng.uniform(math.log(0.8), math.log(1.5)))
    size = round(columns * scale), round(rows * scale)
    left, top = (
        round(rng.uniform(min(0, room - side), max(0, room - side)))
        for room, side in zip((WIDTH, HEIGHT), size, strict=True)
    )
    picture = Image.new("RGB", (WIDTH, HEIGHT), (GREY, GREY, GREY))
    picture.paste(Image.fromarray(scene.image).resize(size, Image.Resampling.BILINEAR), (left, top))
    image: NDArray[np.floating] = np.asarray(picture, np.float32)
    whole = np.array([thing.box for thing in scene.objects], np.float32).reshape(-1, 4) * scale + [left, top] * 2
    boxes = np.clip(whole, 0, [WIDTH, HEIGHT] * 2).astype(np.float32)
    if rng.random() < 0.5:
        image, boxes = image[:, ::-1], np.stack((WIDTH - boxes[:, 2], boxes[:, 1], WIDTH - boxes[:, 0], boxes[:, 3]), 1)
    gain = rng.uniform(0.75, 1.3) * rng.normal(1, 0.05, 3)
    image = ((image - 128) * rng.uniform(0.8, 1.2) + 128 * rng.uniform(0.85, 1.15)) * gain

    sides = boxes[:, 2:] - boxes[:, :2]
    narrowest = sides.min(axis=1, initial=WIDTH)
    cut = sides.prod(axis=1) < LEAST_SHARE * (whole[:, 2:] - whole[:, :2]).prod(axis=1)
    hidden = np.array([thing.hidden for thing in scene.objects], bool) | cut | (narrowest < LEAST)
    there = narrowest > 0
    ids = np.array([CLASS_IDS[thing.label] for thing in scene.objects], np.int64)
    return View(np.clip(image, 0, 255).astype(np.uint8), boxes[there], ids[there], hidden[there])


def to_batch(views: Sequence[View], device: str) -> tuple[torch.Tensor, Truth]:
    """The input float32 [N, 3, HEIGHT, WIDTH] in 0..1, and what is true of it."""
    pixels = torch.from_numpy(np.stack([view.image for view in views])).to(device).permute(0, 3, 1, 2)
    most = max(1, *(len(view.ids) for view in views))
    boxes = np.zeros((len(views), most, 4), np.float32)
    ids = np.zeros((len(views), most), np.int64)
    real, hidden = np.zeros((2, len(views), most), bool)
    for at, view in enumerate(views):
        count = len(view.ids)
        boxes[at, :count], ids[at, :count] = view.boxes, view.ids
        real[at, :count], hidden[at, :count] = ~view.hidden, view.hidden
    truth = Truth(*(torch.from_numpy(values).to(device) for values in (boxes, ids, real, hidden)))
    return pixels.to(torch.float32, memory_format=torch.channels_last) / 255, truth
