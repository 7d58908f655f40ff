"""A depth model trained on drawn rooms, whose depth is known exactly: ``python -m scripts.small_depth [TARGET]``.

It is a GLPN (transformers' ``GLPNForDepthEstimation``) with narrower stages than the released ones, small enough to
train on one core in minutes. One seed gives the same weights on one machine; on another kind of CPU their last digits
differ.

A picture is a room with boxes and balls on its floor, seen by a camera that looks ahead and a little down. Each pixel
is cast along its ray, so its depth is that of the surface it meets. What tells the depth are the checks of a surface,
where it stands on the floor, and the light, which falls off with distance.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from scripts.small_models import fit, kept

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import GLPNForDepthEstimation

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

SIZE = 96, 128
"""Rows and columns of a picture."""
FIELD = 0.75
"""Half of what the camera sees across, over the distance: 74 degrees."""
DEEPEST = 10
"""Metres; all that is in a room is nearer."""
LIGHT = np.array([-0.4, -0.8, -0.45])
"""Towards the light; X to the right, Y down, Z ahead."""
FALL_OFF = 6.0
"""Metres after which light has fallen to 1/e."""
STEPS, BATCH, RATE = 600, 8, 2e-3
HELD_OUT = 1_000_000
"""Seeds from here on are never trained on."""


@dataclass(frozen=True)
class Surface:
    """What rays meet of a thing.

    Attributes:
        depth: Metres along the camera's axis, [H, W]; infinite where a ray misses.
        at: Where on the thing, in its own metres, [H, W, 3].
        normal: Of length 1, [H, W, 3].
    """

    depth: Values
    at: Values
    normal: Values


def draw(seed: int) -> tuple[Pixels, NDArray[np.float32]]:
    """A picture, RGB [H, W, 3], and its depth in metres, [H, W]."""
    rng = np.random.default_rng(seed)
    rays = _rays(pitch=rng.uniform(0.0, 0.25))
    high, wide, deep = rng.uniform(1.2, 1.8), rng.uniform(1.5, 4.0), rng.uniform(4.0, 0.9 * DEEPEST)
    things = [_plane(rays, 1, high), _plane(rays, 2, deep), _plane(rays, 0, wide), _plane(rays, 0, -wide)]
    things.append(_plane(rays, 1, high - rng.uniform(2.4, 3.2)))
    for _ in range(rng.integers(2, 7)):
        away = rng.uniform(1.2, deep - 0.5)
        aside = rng.uniform(-1, 1) * min(wide, FIELD * away)
        half = rng.uniform(0.12, 0.5, 3)
        if rng.random() < 0.5:
            things.append(_ball(rays, np.array([aside, high - half[0], away]), half[0]))
        else:
            things.append(_box(rays, np.array([aside, high - half[1], away]), half, rng.uniform(0, np.pi)))
    depth, picture = np.full(SIZE, np.inf), np.zeros((*SIZE, 3))
    for thing in things:
        nearer = thing.depth < depth
        checks = np.sin(2 * np.pi * thing.at[nearer] / rng.uniform(0.3, 0.9) + rng.uniform(0, np.pi, 3)).prod(-1)
        shade = 0.75 + 0.25 * thing.normal[nearer] @ LIGHT + rng.uniform(0.1, 0.3) * np.sign(checks)
        picture[nearer] = rng.uniform(0.4, 1.0, 3) * shade[..., None]
        depth[nearer] = thing.depth[nearer]
    picture *= 255 * np.exp(-depth / FALL_OFF)[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8), depth.astype(np.float32)


def _rays(pitch: float) -> Values:
    """The way of each pixel per metre of depth, [H, W, 3], of a camera that looks down by ``pitch`` radians."""
    rows, columns = SIZE
    y, x = np.mgrid[0.5:rows, 0.5:columns]
    across, down = (2 * x / columns - 1) * FIELD, (2 * y - rows) / columns * FIELD
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.stack([across, down * cos + sin, cos - down * sin], axis=-1)


def _plane(rays: Values, axis: int, at: float) -> Surface:
    """The plane on which a coordinate is ``at``, seen from 0."""
    with np.errstate(divide="ignore"):
        depth = at / rays[..., axis]
    depth = np.where(depth > 0, depth, np.inf)
    normal = np.zeros(3)
    normal[axis] = -np.sign(at)
    seen = np.where(np.isfinite(depth), depth, 0.0)[..., None] * rays
    return Surface(depth, seen, np.broadcast_to(normal, rays.shape))


def _ball(rays: Values, middle: Values, radius: float) -> Surface:
    """The ball around ``middle``."""
    square, along = (rays**2).sum(-1), rays @ middle
    inside = along**2 - square * (middle @ middle - radius**2)
    depth = np.where(inside > 0, (along - np.sqrt(np.maximum(inside, 0))) / square, np.inf)
    at = np.where(np.isfinite(depth), depth, 0.0)[..., None] * rays - middle
    return Surface(depth, at, at / radius)


def _box(rays: Values, middle: Values, half: Values, turn: float) -> Surface:
    """The box around ``middle``, of twice ``half`` along its axes, turned about the vertical."""
    cos, sin = np.cos(turn), np.sin(turn)
    own = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    way, start = rays @ own.T, own @ -middle
    first, last = np.sort(np.stack([(-half - start) / way, (half - start) / way]), axis=0)
    axis = first.argmax(-1)
    depth = np.where(first.max(-1) < last.min(-1), first.max(-1), np.inf)
    at = start + np.where(np.isfinite(depth), depth, 0.0)[..., None] * way
    return Surface(depth, at, -np.eye(3)[axis] * np.sign(way) @ own)


def batch(seeds: range) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pictures as the model takes them, [N, 3, H, W] in 0..1, and their depth, [N, H, W]."""
    drawn = [draw(seed) for seed in seeds]
    pixels = np.stack([picture for picture, _ in drawn]).transpose(0, 3, 1, 2)
    return (pixels / 255).astype(np.float32), np.stack([depth for _, depth in drawn])


def save(folder: Path, seeds: range) -> None:
    """Draw pictures into ``images/``, PNG, and their depth into ``depth/``, .npy."""
    for part in ("images", "depth"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        pixels, depth = draw(seed)
        Image.fromarray(pixels).save(folder / "images" / f"{seed}.png")
        np.save(folder / "depth" / f"{seed}.npy", depth)


def build() -> GLPNForDepthEstimation:
    """The model before training."""
    import torch
    from transformers import GLPNConfig, GLPNForDepthEstimation

    config = GLPNConfig(
        hidden_sizes=[16, 32, 64, 128],
        num_attention_heads=[1, 2, 4, 8],
        depths=[1, 1, 1, 1],
        decoder_hidden_size=32,
        drop_path_rate=0.0,
        max_depth=DEEPEST,
    )
    model = GLPNForDepthEstimation(config)
    # Transformers' own initialization is meant for fine-tuning: from scratch it takes many times the steps.
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    return model


def train(steps: int = STEPS) -> GLPNForDepthEstimation:
    """Train on pictures that are drawn anew in every step, on the mean absolute error of the depth's logarithm."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    model = build()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.1)
    batches = iter(batch(range(first, first + BATCH)) for first in range(0, steps * BATCH, BATCH))

    def loss() -> torch.Tensor:
        images, depth = map(torch.from_numpy, next(batches))
        guessed: Any = model(pixel_values=images).predicted_depth
        return (guessed.log() - depth.log()).abs().mean()

    fit(model, loss, optimizer, schedule, steps, clip=1.0)
    return model


def made(target: Path) -> Path:
    """The model's folder in Hugging Face layout; trained if it is not there yet."""
    return kept(target, train)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    made(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/small-depth"))
