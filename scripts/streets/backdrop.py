"""What all else stands in front of: the sky with its clouds, and the ground with its road and pavements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scripts.streets.canvas import Canvas, Colour, noise
from scripts.streets.labels import ROAD, SIDEWALK, SKY

Pixels = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Street:
    """The cross-section of a street, as x in metres, and what is painted on its road."""

    left_kerb: float
    right_kerb: float
    left_front: float
    """Where buildings begin on the left; the pavement lies between it and the kerb."""
    right_front: float
    crossing: float | None
    """Distance of a zebra crossing."""
    asphalt: Colour
    paving: Colour

    @property
    def middle(self) -> float:
        return (self.left_kerb + self.right_kerb) / 2


def random_street(rng: np.random.Generator) -> Street:
    """A street of two or three lanes; the camera drives on its right side."""
    lane = rng.uniform(3.0, 3.6)
    left_kerb = -lane * 1.5 - float(rng.choice([0.0, 2.0, 3.4]))
    right_kerb = lane / 2 + float(rng.choice([0.2, 2.2]))
    grey = rng.uniform(0.30, 0.46)
    stone = rng.uniform(0.46, 0.66)
    return Street(
        left_kerb=left_kerb,
        right_kerb=right_kerb,
        left_front=left_kerb - rng.uniform(2.2, 4.2),
        right_front=right_kerb + rng.uniform(2.2, 4.2),
        crossing=float(rng.uniform(7, 16)) if rng.random() < 0.3 else None,
        asphalt=(grey, grey * 1.01, grey * rng.uniform(1.0, 1.07)),
        paving=(stone, stone * rng.uniform(0.93, 1.0), stone * rng.uniform(0.84, 1.0)),
    )


def paint_sky(canvas: Canvas) -> None:
    """Fill the whole canvas with sky: a gradient, clouds that lie flatter towards the horizon, a glow about the sun."""
    light, camera, rng = canvas.light, canvas.camera, canvas.rng
    width, height = canvas.image.width // 2, canvas.image.height // 2  # a sky is soft: half the size will do
    skyline, focal = camera.horizon / 2, camera.focal / 2
    rows = np.arange(height, dtype=np.float32)[:, None]
    up = np.clip((skyline - rows) / skyline, 0, 1) ** 0.7
    zenith, horizon = np.array(light.zenith, np.float32), np.array(light.horizon, np.float32)
    sky = (horizon + (zenith - horizon) * up[..., None]) * np.ones((height, width, 1), np.float32)

    field = noise(rng, (height, width), cells=3, octaves=6)
    stretched = field[np.clip((rows * 1.8).astype(int), 0, height - 1), np.arange(width)]
    cover = np.clip((stretched + light.clouds * 1.3 - 0.75) * 2.2, 0, 1)[..., None]
    sunlit = np.clip(0.55 + 0.5 * np.array(light.direct, np.float32) + 0.25 * horizon, 0, 1)
    bulge = 1 - 0.22 * np.clip(np.roll(stretched, -5, axis=0) - stretched + 0.3, 0, 1)[..., None]
    brightness = float(np.clip(0.45 + 0.8 * light.ambient[1], 0, 1.05))
    sky += (sunlit * bulge * brightness - sky) * cover * 0.85

    if light.sun[2] > 0:
        column = camera.centre / 2 + focal * light.sun[0] / light.sun[2]
        row = skyline - focal * light.sun[1] / light.sun[2]
        distance = np.hypot(np.arange(width, dtype=np.float32) - column, rows - row) / focal
        sky += np.exp(-((distance / 0.35) ** 2))[..., None] * np.array(light.direct, np.float32) * 0.6
    canvas.image.paste(_picture(sky).resize(canvas.image.size, Image.Resampling.BILINEAR))
    canvas.labels.paste(SKY, (0, 0, *canvas.labels.size))


def paint_ground(canvas: Canvas, street: Street) -> None:
    """Paint all below the horizon, pixel by pixel, from each pixel's place on the ground."""
    camera, light, rng = canvas.camera, canvas.light, canvas.rng
    width, height = canvas.image.size
    first = int(camera.horizon) + 2
    rows = np.arange(first, height, dtype=np.float32)[:, None]
    depth: Pixels = camera.focal * camera.height / (rows - camera.horizon)
    z = np.broadcast_to(depth, (len(depth), width))
    x: Pixels = (np.arange(width, dtype=np.float32) - camera.centre) * z / camera.focal

    labels = np.full(z.shape, SIDEWALK, np.uint8)
    on_road = (x > street.left_kerb) & (x < street.right_kerb)
    labels[on_road] = ROAD

    tile = noise(rng, (512, 512), cells=16, octaves=5)
    coarse = _sample(tile, x, z, 6.0)
    fine = _sample(tile, x + 31, z + 17, 40.0) / (1 + z / 12)
    colour = np.array(street.paving, np.float32) * (1 + 0.10 * coarse + 0.14 * fine - _slab_joints(x, z))[..., None]
    colour = np.where(on_road[..., None], _road(street, x, z, coarse, fine, rng), colour)
    for kerb, outside in ((street.left_kerb, -1), (street.right_kerb, 1)):
        stone = ((x - kerb) * outside > 0) & ((x - kerb) * outside < 0.22)
        colour[stone] = np.array(street.paving, np.float32) * 1.16

    level = np.array(light.on((0.0, 1.0, 0.0)), np.float32)
    shade = _cast_shadows(canvas, street, x, z, tile)[..., None]
    ambient = np.array(light.ambient, np.float32)
    colour *= level * (1 - shade) + ambient * 0.82 * shade
    kept = np.exp(-z / light.visibility)[..., None]
    canvas.image.paste(_picture(colour * kept + np.array(light.horizon, np.float32) * (1 - kept)), (0, first))
    canvas.labels.paste(Image.fromarray(labels), (0, first))


def _road(street: Street, x: Pixels, z: Pixels, coarse: Pixels, fine: Pixels, rng: np.random.Generator) -> Pixels:
    """Asphalt with worn tracks, repairs and painted lines [rows, columns, 3]."""
    tracks = sum(
        np.exp(-(((x - centre) / 0.35) ** 2))
        for centre in (-0.8, 0.8, 2 * street.middle - 0.8, 2 * street.middle + 0.8)
    )
    brightness = 1 + 0.10 * coarse + 0.16 * fine - 0.07 * tracks
    for _ in range(rng.integers(0, 5)):
        left, near = rng.uniform(street.left_kerb, street.right_kerb - 1), rng.uniform(3, 25)
        inside = (x > left) & (x < left + rng.uniform(0.6, 2.4)) & (z > near) & (z < near + rng.uniform(1, 7))
        brightness = np.where(inside, brightness * rng.uniform(0.76, 1.12), brightness)
    colour = np.array(street.asphalt, np.float32) * brightness[..., None]

    dashes = (np.abs(x - street.middle) < 0.08) & (np.mod(z + rng.uniform(0, 6), 6) < 3)
    edges = (np.abs(x - street.left_kerb - 0.4) < 0.06) | (np.abs(x - street.right_kerb + 0.4) < 0.06)
    painted = dashes | edges if rng.random() < 0.6 else dashes
    if street.crossing is not None:
        across = (z > street.crossing) & (z < street.crossing + 3)
        painted = np.where(across, np.mod(x, 1.0) < 0.5, painted)
    wear = np.clip(0.75 + 0.5 * coarse + 0.6 * fine, 0.15, 1)[..., None] * painted[..., None]
    road: Pixels = colour * (1 - wear) + np.array((0.86, 0.86, 0.82), np.float32) * wear
    return road


def _slab_joints(x: Pixels, z: Pixels) -> Pixels:
    """How much darker the joints between paving slabs are, fading where they get finer than a pixel."""
    joints = (np.mod(x, 0.75) < 0.045) | (np.mod(z, 1.0) < 0.07)
    loss: Pixels = joints * np.float32(0.26) * np.exp(-z / 9)
    return loss


def _cast_shadows(canvas: Canvas, street: Street, x: Pixels, z: Pixels, tile: Pixels) -> Pixels:
    """How much of the direct sun is blocked [rows, columns], 0..1: by the houses on the sunny side, and by leaves."""
    light, rng = canvas.light, canvas.rng
    if light.name not in ("day", "low sun"):
        return np.zeros_like(z)
    steps = np.repeat(rng.uniform(0, 9, 24) * (rng.random(24) < 0.8), rng.integers(4, 11, 24))
    reach = steps[np.clip(z.astype(int), 0, len(steps) - 1)] * abs(light.sun[0]) / max(0.35, light.sun[1])
    from_front = street.right_front - x if light.sun[0] > 0 else x - street.left_front
    houses = np.clip((reach - from_front) * 6 / (1 + z / 10), 0, 1)
    leaves = np.clip(_sample(tile, x + 7, z + 3, 9.0) * 4 - 0.7, 0, 1)
    leaves *= _sample(tile, x + 50, z + 80, 1.7) > 0.15
    blocked: Pixels = np.maximum(houses, 0.8 * leaves).astype(np.float32)
    return blocked


def _sample(tile: Pixels, x: Pixels, z: Pixels, per_metre: float) -> Pixels:
    """Look up an endless square noise tile at places of the ground."""
    size = len(tile)
    samples: Pixels = tile[np.mod((z * per_metre).astype(int), size), np.mod((x * per_metre).astype(int), size)]
    return samples


def _picture(colour: Pixels) -> Image.Image:
    return Image.fromarray((np.clip(colour, 0, 1) * 255).astype(np.uint8))
