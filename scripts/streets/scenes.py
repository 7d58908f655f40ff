"""Street scenes with label maps, drawn from a seed: ``draw_scene(7)`` is the same picture whenever it is drawn."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from scripts.streets.backdrop import paint_ground, paint_sky, random_street
from scripts.streets.canvas import HEIGHT, SCALE, WIDTH, Camera, Canvas, Light, Point, noise
from scripts.streets.labels import IGNORE, OBJECTS, VEGETATION
from scripts.streets.roadside import paint_roadside
from scripts.streets.traffic import things_in

# Which scenes are for what: the seeds of three sets that share none.
CALIBRATION = range(32)
HELD_OUT = range(100, 124)
TRAINING = range(1000, 2000)

LEAST_SIDE = 6
"""An object whose visible part is narrower or lower than this, in pixels, is hidden;"""
LEAST_SHARE = 0.3
"""and so is one of whose pixels nearer things leave less than this share."""


@dataclass(frozen=True)
class Object:
    """Something that stands in the street, as far as the picture shows it.

    Attributes:
        label: Its class id in the label map.
        box: Columns and rows of its visible part, pixels: x1, y1, x2, y2, of which the last two lie outside.
        hidden: Whether so little is to be seen of it that nobody could be asked to find it.
    """

    label: int
    box: tuple[int, int, int, int]
    hidden: bool


@dataclass(frozen=True)
class Scene:
    """A picture uint8 [256, 512, 3], RGB, and its label map uint8 [256, 512] of class ids, 255 = ignore.

    ``objects`` are the things of ``OBJECTS`` that stand in it, from far to near.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    objects: tuple[Object, ...] = ()


def draw_all(seeds: Sequence[int]) -> list[Scene]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(draw_scene, seeds, chunksize=4))


def draw_scene(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    camera = Camera(
        focal=SCALE * rng.uniform(320, 400),
        centre=SCALE * WIDTH * rng.uniform(0.36, 0.64),
        horizon=SCALE * HEIGHT * rng.uniform(0.38, 0.50),
        height=rng.uniform(1.35, 1.9),
    )
    street = random_street(rng)
    canvas = Canvas(camera, _random_light(rng), rng)
    paint_sky(canvas)
    paint_ground(canvas, street)
    paint_roadside(canvas, street)
    whole = [0]
    for number, thing in enumerate(sorted(things_in(street, canvas), key=lambda t: -t.z), 1):
        canvas.thing = number
        thing.paint()
        whole.append(int((_reduced(canvas.things) == number).sum()))
    if rng.random() < 0.3:
        _paint_bonnet(canvas)
    return _finish(canvas, whole)


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
    canvas.things = Image.fromarray(np.where(bonnet, np.uint8(0), np.asarray(canvas.things)))


def _reduced(labels: Image.Image) -> NDArray[np.uint8]:
    """A map at the size of the finished scene."""
    return np.asarray(labels)[::SCALE, ::SCALE].copy()


def _objects(things: NDArray[np.uint8], labels: NDArray[np.uint8], whole: Sequence[int]) -> tuple[Object, ...]:
    """What of ``OBJECTS`` a map of things shows; ``whole`` is how many pixels each thing has with nothing before it."""
    objects = []
    for thing, pixels in enumerate(whole):
        rows, columns = np.nonzero(things == thing)
        if thing == 0 or not rows.size:
            continue
        label = int(labels[rows[0], columns[0]])
        if label not in OBJECTS:
            continue
        box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
        narrow = min(box[2] - box[0], box[3] - box[1]) < LEAST_SIDE
        covered = rows.size < LEAST_SHARE * pixels
        objects.append(Object(label, box, narrow or covered))
    return tuple(objects)


def _finish(canvas: Canvas, whole: Sequence[int]) -> Scene:
    """What the camera does to a scene: reduce, add surface grain, expose, tint, vignette, blur, sensor noise."""
    rng = canvas.rng
    labels = _reduced(canvas.labels)
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
    return Scene(np.clip(noisy, 0, 255).astype(np.uint8), labels, _objects(_reduced(canvas.things), labels, whole))


def _random_light(rng: np.random.Generator) -> Light:
    """One of four kinds of light, each with its own spread."""
    kind = rng.choice(["day", "low sun", "dusk", "overcast"], p=[0.45, 0.2, 0.08, 0.27])
    if kind == "day":
        return Light(
            name="day",
            sun=_towards_sun(rng, rng.uniform(0.6, 1.1)),
            ambient=(0.50, 0.54, 0.60),
            direct=(0.62, 0.58, 0.50),
            zenith=(0.24 + rng.uniform(-0.06, 0.08), 0.46, 0.78),
            horizon=(0.74, 0.83, 0.91),
            clouds=rng.uniform(0.1, 0.6),
            visibility=rng.uniform(120, 260),
            lamps=0.02,
        )
    if kind == "low sun":
        return Light(
            name="low sun",
            sun=_towards_sun(rng, rng.uniform(0.2, 0.45)),
            ambient=(0.46, 0.45, 0.50),
            direct=(0.75, 0.56, 0.34),
            zenith=(0.38, 0.52, 0.74),
            horizon=(0.93, 0.82, 0.66),
            clouds=rng.uniform(0.1, 0.5),
            visibility=rng.uniform(90, 180),
            lamps=0.08,
        )
    if kind == "dusk":
        return Light(
            name="dusk",
            sun=_towards_sun(rng, 0.15),
            ambient=(0.31, 0.32, 0.43),
            direct=(0.16, 0.10, 0.08),
            zenith=(0.17, 0.21, 0.40),
            horizon=(0.80, rng.uniform(0.46, 0.60), 0.46),
            clouds=rng.uniform(0.2, 0.6),
            visibility=rng.uniform(150, 260),
            lamps=0.4,
        )
    grey = rng.uniform(0.68, 0.86)
    return Light(
        name="overcast",
        sun=(0.0, 1.0, 0.0),
        ambient=(0.62, 0.64, 0.66),
        direct=(0.14, 0.14, 0.14),
        zenith=(grey - 0.12, grey - 0.10, grey - 0.07),
        horizon=(grey, grey, grey + 0.01),
        clouds=rng.uniform(0.5, 1.0),
        visibility=rng.uniform(60, 160),
        lamps=0.15,
    )


def _towards_sun(rng: np.random.Generator, elevation: float) -> Point:
    """Unit vector to a sun behind or beside the camera, ``elevation`` radians above the ground."""
    azimuth = rng.uniform(-0.75, 0.75) * math.pi
    flat = math.cos(elevation)
    return flat * math.sin(azimuth), math.sin(elevation), -flat * math.cos(azimuth)
