"""Street scenes with label maps, drawn from a seed: ``draw_scene(7)`` is the same picture whenever it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from scripts.make_assets.backdrop import paint_ground, paint_sky, random_street
from scripts.make_assets.canvas import HEIGHT, SCALE, WIDTH, Camera, Canvas, noise
from scripts.make_assets.labels import IGNORE, VEGETATION
from scripts.make_assets.light import random_light
from scripts.make_assets.roadside import paint_roadside
from scripts.make_assets.traffic import things_in


@dataclass(frozen=True)
class Scene:
    """A picture uint8 [256, 512, 3], RGB, and its label map uint8 [256, 512] of class ids, 255 = ignore."""

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def draw_scene(seed: int) -> Scene:
    """Draw one street scene."""
    rng = np.random.default_rng(seed)
    camera = Camera(
        focal=SCALE * rng.uniform(320, 400),
        centre=SCALE * WIDTH * rng.uniform(0.36, 0.64),
        horizon=SCALE * HEIGHT * rng.uniform(0.38, 0.50),
        height=rng.uniform(1.35, 1.9),
    )
    street = random_street(rng)
    canvas = Canvas(camera, random_light(rng), rng)
    paint_sky(canvas)
    paint_ground(canvas, street)
    paint_roadside(canvas, street)
    for thing in sorted(things_in(street, canvas), key=lambda t: -t.z):
        thing.paint()
    if rng.random() < 0.3:
        _paint_bonnet(canvas)
    return _finish(canvas)


def _paint_bonnet(canvas: Canvas) -> None:
    """The camera's own car at the lower edge, which Cityscapes does not score either."""
    width, height = canvas.image.size
    rows = np.arange(height)[:, None]
    columns = np.linspace(-1, 1, width)[None, :]
    rise = canvas.rng.uniform(0.04, 0.09) * height
    bonnet = rows > height - rise * (1 - columns**4)
    shine = np.clip(0.10 + 0.25 * (rows - height + rise) / rise + 0.05 * columns, 0, 1)
    tint = np.array(canvas.light.on((0.0, 1.0, 0.0))) * 255
    metal = np.clip(shine[..., None] * tint, 0, 255).astype(np.uint8)
    canvas.image = Image.fromarray(np.where(bonnet[..., None], metal, np.asarray(canvas.image)))
    canvas.labels = Image.fromarray(np.where(bonnet, np.uint8(IGNORE), np.asarray(canvas.labels)))


def _finish(canvas: Canvas) -> Scene:
    """What the camera does to a scene: reduce, add surface grain, expose, tint, vignette, blur, sensor noise."""
    rng = canvas.rng
    labels = np.asarray(canvas.labels)[::SCALE, ::SCALE].copy()
    picture = np.asarray(canvas.image.reduce(SCALE), np.float32) / 255
    grain = np.where(labels == VEGETATION, 0.16, 0.06).astype(np.float32)
    picture *= (1 + grain * noise(rng, labels.shape, cells=24, octaves=4))[..., None]
    picture *= (1 + 0.05 * noise(rng, labels.shape, cells=3, octaves=3))[..., None]

    picture *= rng.uniform(0.95, 1.28) * rng.normal(1, 0.035, 3).astype(np.float32)
    picture = (picture - 0.5) * rng.uniform(0.90, 1.15) + 0.5
    picture = np.clip(picture, 0, 1) ** rng.uniform(0.85, 1.2)
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    picture *= (1 - rng.uniform(0, 0.22) * (rows**2 + columns**2) / 2)[..., None].astype(np.float32)
    exposed = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    blurred = exposed.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
    noisy = np.asarray(blurred, np.float32) + rng.normal(0, rng.uniform(0.5, 5), (HEIGHT, WIDTH, 3))
    return Scene(np.clip(noisy, 0, 255).astype(np.uint8), labels)
