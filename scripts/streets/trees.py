"""Trees and bushes: a trunk, and a crown of many dabs of leaf colour, dark inside and below, light towards the sun."""

from __future__ import annotations

import math

import numpy as np

from scripts.streets.canvas import Canvas, Colour, Point, flat
from scripts.streets.labels import VEGETATION

LEAVES: tuple[Colour, ...] = (
    (0.28, 0.42, 0.18), (0.34, 0.47, 0.20), (0.22, 0.36, 0.20), (0.42, 0.48, 0.20), (0.60, 0.44, 0.18),
    (0.58, 0.30, 0.16), (0.30, 0.40, 0.28),
)  # fmt: skip


def paint_tree(canvas: Canvas, place: Point, scale: float = 1.0) -> None:
    """Paint a tree that stands at ``place``; at scale 1 it is about six metres high."""
    rng = canvas.rng
    x, _, z = place
    trunk = rng.uniform(1.9, 2.8) * scale
    thick = rng.uniform(0.13, 0.22) * scale
    bark = canvas.vary((0.30, 0.24, 0.19))
    lean = rng.normal(0, 0.12)
    stem = [
        (x - thick, 0.0, z),
        (x - thick * 0.7 + lean, trunk + 1, z),
        (x + thick * 0.7 + lean, trunk + 1, z),
        (x + thick, 0.0, z),
    ]
    canvas.shadow(flat(x, z + 0.2, 1.2, 0.5), 0.4)
    canvas.polygon(stem, bark, VEGETATION)
    canvas.polygon([stem[0], stem[1], (x + lean, trunk + 1, z), (x, 0.0, z)], canvas.vary((0.22, 0.18, 0.15)), None)
    colour = canvas.pick(LEAVES)
    wide, high = rng.uniform(1.3, 2.2) * scale, rng.uniform(1.4, 2.3) * scale
    paint_foliage(canvas, (x + lean, trunk + high * 0.8, z), (wide, high), colour)


def paint_foliage(canvas: Canvas, centre: Point, radii: tuple[float, float], colour: Colour) -> None:
    """Paint a ball of leaves, ``radii`` = half its width and half its height in metres."""
    rng, light = canvas.rng, canvas.light
    x, y, z = centre
    wide, high = radii
    dabs = int(np.clip(2.5 * canvas.camera.focal * min(radii) / z, 24, 320))
    # The first dabs fill the crown with its shaded inside; the later, lighter and smaller ones lie on top of them.
    top = np.linspace(0, 1, dabs)
    angle = rng.uniform(0, 2 * math.pi, dabs)
    lobes = 0.86 + 0.12 * np.sin(angle * rng.integers(3, 6) + rng.uniform(0, 6))
    radius = np.sqrt(rng.uniform(0, 1, dabs)) * (0.88 + 0.12 * top) * lobes
    u, v = radius * np.cos(angle), radius * np.sin(angle)
    sunny = 0.5 * v + 0.5 * (u * light.sun[0] + v * light.sun[1])
    level = 0.62 + 0.48 * top * (0.8 + 0.9 * sunny) + rng.normal(0, 0.07, dabs)
    size = min(radii) * (0.30 - 0.23 * top) * rng.uniform(0.6, 1.2, dabs)
    shades = level[:, None] * colour + rng.normal(0, 0.025, (dabs, 1)) * (1.0, 0.2, -1.0)
    spots = np.stack([x + u * wide, y + v * high], axis=1)
    canvas.dabs(spots, z, size, rng.uniform(0.8, 1.6, dabs), shades, VEGETATION)
