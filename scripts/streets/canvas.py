"""A pinhole camera over a picture and its label map, painted together, polygon by polygon, from far to near.

World coordinates are metres: x to the right, y up from the ground, z ahead of the camera, which stands at x = z = 0.
Everything is painted at twice the final size and reduced at the end, which smooths the picture's edges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float, float]
Colour = tuple[float, float, float]
"""RGB, 0..1."""

HEIGHT, WIDTH = 256, 512
"""Size of a finished scene, pixels."""
SCALE = 2
"""The canvas is this many times larger than the finished scene."""

FRONT: Point = (0.0, 0.0, -1.0)
"""Normal of a surface that faces the camera."""


@dataclass(frozen=True)
class Light:
    """The light of a scene: where the sun stands, how strong it is, what the air does with distance."""

    name: str
    sun: Point
    """Unit vector towards the sun."""
    ambient: Colour
    direct: Colour
    zenith: Colour
    horizon: Colour
    """Colour of the sky near the ground, which distance also fades to."""
    clouds: float
    """How much of the sky is cloud, 0..1."""
    visibility: float
    """Metres after which 63 % of a colour is lost to the air."""
    lamps: float
    """Chance that a window or lamp is lit, 0..1."""

    def on(self, normal: Point) -> Colour:
        """The light that falls on a matt surface with this unit normal (Lambert's cosine law), per channel."""
        cosine = max(0.0, sum(n * s for n, s in zip(normal, self.sun, strict=True)))
        red, green, blue = (a + cosine * d for a, d in zip(self.ambient, self.direct, strict=True))
        return red, green, blue


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along z; all figures in canvas pixels, but for the height in metres."""

    focal: float
    centre: float
    """Column of the vanishing point."""
    horizon: float
    """Row of the vanishing point."""
    height: float

    def project(self, point: Point) -> tuple[float, float]:
        """Pixel (column, row) of a point in the world; z must be positive."""
        x, y, z = point
        scale = self.focal / z
        return self.centre + scale * x, self.horizon + scale * (self.height - y)


class Canvas:
    """The picture, the label map, and the map of things under one brush.

    What is painted while ``thing`` is a number is that thing in the last map; 0 is the backdrop.
    """

    def __init__(self, camera: Camera, light: Light, rng: np.random.Generator) -> None:
        self.camera = camera
        self.light = light
        self.rng = rng
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE))
        self.labels = Image.new("L", self.image.size, 0)
        self.things = Image.new("L", self.image.size, 0)
        self.thing = 0
        self._brush = ImageDraw.Draw(self.image)
        self._label_brush = ImageDraw.Draw(self.labels)
        self._thing_brush = ImageDraw.Draw(self.things)

    def polygon(
        self,
        points: Sequence[Point],
        colour: Colour | None,
        label: int | None,
        normal: Point = FRONT,
        *,
        glows: bool = False,
    ) -> None:
        """Fill a polygon of the world; no colour paints the label only, no label the picture only."""
        pixels = [self.camera.project(p) for p in points]
        if colour is not None:
            depth = sum(p[2] for p in points) / len(points)
            self._brush.polygon(pixels, fill=self.lit(colour, depth, normal, glows=glows))
        if label is not None:
            self._label_brush.polygon(pixels, fill=label)
            self._thing_brush.polygon(pixels, fill=self.thing)

    def disc(
        self,
        centre: Point,
        radius: float,
        colour: Colour | None,
        label: int | None,
        *,
        stretch: float = 1.0,
        glows: bool = False,
    ) -> None:
        """Fill a disc that faces the camera: ``radius`` metres high, ``stretch`` times as wide."""
        column, row = self.camera.project(centre)
        high = radius * self.camera.focal / centre[2]
        box = (column - high * stretch, row - high, column + high * stretch, row + high)
        if colour is not None:
            self._brush.ellipse(box, fill=self.lit(colour, centre[2], FRONT, glows=glows))
        if label is not None:
            self._label_brush.ellipse(box, fill=label)
            self._thing_brush.ellipse(box, fill=self.thing)

    def dabs(
        self,
        centres: NDArray[np.float64],
        depth: float,
        radii: NDArray[np.float64],
        stretch: NDArray[np.float64],
        colours: NDArray[np.float64],
        label: int,
    ) -> None:
        """Fill many discs at one depth, in order: centres [N, 2] (x, y), radii and stretch [N], colours [N, 3]."""
        scale = self.camera.focal / depth
        columns = self.camera.centre + scale * centres[:, 0]
        rows = self.camera.horizon + scale * (self.camera.height - centres[:, 1])
        wide, high = scale * radii * stretch, scale * radii
        boxes = np.stack([columns - wide, rows - high, columns + wide, rows + high], axis=1).tolist()
        kept = math.exp(-depth / self.light.visibility)
        shades = colours * self.light.on(FRONT) * kept + np.array(self.light.horizon) * (1 - kept)
        fills = (np.clip(shades, 0, 1) * 255).astype(np.uint8).tolist()
        for box, fill in zip(boxes, fills, strict=True):
            self._brush.ellipse(box, fill=tuple(fill))
            self._label_brush.ellipse(box, fill=label)
            self._thing_brush.ellipse(box, fill=self.thing)

    def shadow(self, points: Sequence[Point], strength: float, softness: float = 3.0) -> None:
        """Darken what has been painted inside a polygon of the world, with a soft edge of ``softness`` pixels."""
        pixels = [self.camera.project(p) for p in points]
        columns, rows = [p[0] for p in pixels], [p[1] for p in pixels]
        margin = 2 * softness
        left, top = max(0, math.floor(min(columns) - margin)), max(0, math.floor(min(rows) - margin))
        right = min(self.image.width, math.ceil(max(columns) + margin))
        bottom = min(self.image.height, math.ceil(max(rows) + margin))
        if right - left < 2 or bottom - top < 2:
            return
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).polygon([(c - left, r - top) for c, r in pixels], fill=round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(softness))
        self.image.paste((12, 14, 22), (left, top), mask)

    def lit(self, colour: Colour, depth: float, normal: Point, *, glows: bool = False) -> tuple[int, int, int]:
        """The 8-bit colour of a surface under the scene's light, ``depth`` metres away."""
        light = (1.0, 1.0, 1.0) if glows else self.light.on(normal)
        kept = math.exp(-depth / self.light.visibility)
        red, green, blue = (
            int(255 * min(1.0, max(0.0, c * level * kept + h * (1 - kept))))
            for c, level, h in zip(colour, light, self.light.horizon, strict=True)
        )
        return red, green, blue

    def pick(self, colours: Sequence[Colour]) -> Colour:
        return self.vary(colours[int(self.rng.integers(len(colours)))])

    def vary(self, colour: Colour, amount: float = 0.04) -> Colour:
        """A colour near this one: lighter or darker, and a little off in hue."""
        shift = self.rng.normal(0, amount)
        red, green, blue = (
            float(np.clip(c + shift + tint, 0.0, 1.0))
            for c, tint in zip(colour, self.rng.normal(0, amount / 3, 3), strict=True)
        )
        return red, green, blue


def upright(left: float, right: float, bottom: float, top: float, z: float) -> list[Point]:
    """A rectangle that faces the camera."""
    return [(left, bottom, z), (left, top, z), (right, top, z), (right, bottom, z)]


def flat(x: float, z: float, wide: float, deep: float) -> list[Point]:
    """A rectangle on the ground about (x, z), ``wide`` and ``deep`` metres to each side."""
    return [(x - wide, 0.0, z - deep), (x - wide, 0.0, z + deep), (x + wide, 0.0, z + deep), (x + wide, 0.0, z - deep)]


def bar(start: tuple[float, float], end: tuple[float, float], thick: float) -> list[tuple[float, float]]:
    """Corners of a bar between two points of a plane."""
    (u0, v0), (u1, v1) = start, end
    share = thick / 2 / max(0.01, math.hypot(u1 - u0, v1 - v0))
    du, dv = -(v1 - v0) * share, (u1 - u0) * share
    return [(u0 - du, v0 - dv), (u0 + du, v0 + dv), (u1 + du, v1 + dv), (u1 - du, v1 - dv)]


def darker(colour: Colour, share: float) -> Colour:
    return colour[0] * share, colour[1] * share, colour[2] * share


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: int, octaves: int = 4) -> NDArray[np.float32]:
    """Fractal value noise [rows, columns], about -1..1: ``cells`` bumps over the shorter side, then ever finer ones."""
    total = np.zeros(shape, np.float32)
    rows, columns = shape
    weight = 1.0
    for octave in range(octaves):
        fine = cells * 2**octave
        grid = (max(2, fine * rows // min(shape)), max(2, fine * columns // min(shape)))
        if min(grid) > min(shape):
            break
        coarse = Image.fromarray(rng.uniform(-1, 1, grid).astype(np.float32))
        total += weight * np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC))
        weight /= 2
    return total / 1.5
