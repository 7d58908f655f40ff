"""What stands and moves in the street, and where: traffic, parked cars, people, lamps and trees along the kerb."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from scripts.streets.backdrop import Street
from scripts.streets.canvas import Canvas
from scripts.streets.pavement import paint_person, paint_street_lamp
from scripts.streets.trees import paint_tree
from scripts.streets.vehicles import paint_car

CAR_LENGTH, CAR_WIDTH = 4.6, 2.4
"""Metres, with a little room about."""


@dataclass(frozen=True)
class Thing:
    """Something that stands in the street: its middle, half its size along x and z, and how to paint it."""

    x: float
    z: float
    half: tuple[float, float]
    paint: Callable[[], None]


def things_in(street: Street, canvas: Canvas) -> list[Thing]:
    """Draw by lot what a street holds, in no particular order; nothing is painted yet."""
    things = [*_along_the_lanes(canvas, street), *_on_the_pavements(canvas, street)]
    for thing in _crossing(canvas, street):
        if _is_free(things, thing):
            things.append(thing)
    return things


def _along_the_lanes(canvas: Canvas, street: Street) -> list[Thing]:
    """Traffic in both directions, and cars parked along the kerbs; none so far away that it is a few pixels."""
    rng = canvas.rng
    things: list[Thing] = []

    def fill(x: float, yaw: float, first: float, gap: tuple[float, float]) -> None:
        near = first
        while near < 34:
            middle = near + CAR_LENGTH / 2
            things.append(_car(canvas, x + rng.normal(0, 0.15), middle, yaw + rng.normal(0, 0.03)))
            near += CAR_LENGTH + rng.uniform(*gap)

    busy = rng.uniform(6, 40)
    fill(0.0, 0.0, rng.uniform(5, 22), (6, 6 + busy))
    fill(2 * street.middle + 0.2, math.pi, rng.uniform(3.5, 16), (5, 5 + busy))
    if street.right_kerb > 3:
        fill(street.right_kerb - 1.05, 0.0, rng.uniform(3.5, 9), (0.8, 12))
    if street.left_kerb < -6.5:
        fill(street.left_kerb + 1.05, math.pi, rng.uniform(3, 8), (0.8, 10))
    return things


def _on_the_pavements(canvas: Canvas, street: Street) -> list[Thing]:
    """People, and along the kerb lamps and trees."""
    rng = canvas.rng
    things: list[Thing] = []
    sides = ((-1, street.left_kerb, street.left_front), (1, street.right_kerb, street.right_front))
    for side, kerb, front in sides:
        for _ in range(rng.integers(0, 4)):
            x = kerb + side * rng.uniform(0.9, abs(front - kerb) - 0.5)
            things.append(_person(canvas, x, rng.uniform(4, 12)))
        edge = kerb + side * 0.45
        planted = rng.random() < 0.4
        for z in np.arange(rng.uniform(4.5, 10), 26, rng.uniform(7, 12)).tolist():
            if planted:
                place = (edge + side * 0.3, 0.0, z + 1.5)
                things.append(Thing(place[0], place[2], (0.3, 0.3), partial(paint_tree, canvas, place)))
            if rng.random() < 0.55:
                things.append(Thing(edge, z, (0.3, 0.3), partial(paint_street_lamp, canvas, edge, z, -side)))
    return things


def _crossing(canvas: Canvas, street: Street) -> list[Thing]:
    rng = canvas.rng
    things: list[Thing] = []
    if rng.random() < 0.2:
        yaw = float(rng.choice([-1, 1])) * math.pi / 2
        things.append(_car(canvas, rng.uniform(-4, 3), rng.uniform(9, 24), yaw))
    for _ in range(rng.integers(0, 3)):
        near = street.crossing if street.crossing is not None else rng.uniform(6, 12)
        things.append(_person(canvas, rng.uniform(street.left_kerb, street.right_kerb), near + rng.uniform(0.3, 2.7)))
    return things


def _is_free(things: list[Thing], new: Thing) -> bool:
    """Whether something new would stand clear of everything that is there already."""
    return all(
        abs(t.x - new.x) > t.half[0] + new.half[0] + 0.2 or abs(t.z - new.z) > t.half[1] + new.half[1] + 0.4
        for t in things
    )


def _car(canvas: Canvas, x: float, z: float, yaw: float) -> Thing:
    long, wide = CAR_LENGTH / 2, CAR_WIDTH / 2
    half = (long, wide) if abs(math.sin(yaw)) > 0.7 else (wide, long)
    return Thing(x, z, half, partial(paint_car, canvas, x, z, yaw))


def _person(canvas: Canvas, x: float, z: float) -> Thing:
    return Thing(x, z, (0.35, 0.3), partial(paint_person, canvas, x, z))
