"""What lines the street on both sides: houses with windows and shops, hedges, and trees behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scripts.streets.backdrop import Street
from scripts.streets.canvas import FRONT, Canvas, Colour, Point, darker, upright
from scripts.streets.labels import BUILDING, VEGETATION
from scripts.streets.trees import paint_foliage, paint_tree

FACADES: tuple[Colour, ...] = (
    (0.62, 0.36, 0.27), (0.78, 0.70, 0.56), (0.74, 0.74, 0.72), (0.86, 0.80, 0.66), (0.55, 0.52, 0.50),
    (0.80, 0.62, 0.48), (0.66, 0.70, 0.62), (0.60, 0.66, 0.74), (0.83, 0.83, 0.80), (0.48, 0.40, 0.36),
    (0.84, 0.72, 0.70), (0.40, 0.44, 0.48),
)  # fmt: skip
SHOP_SIGNS: tuple[Colour, ...] = (
    (0.75, 0.15, 0.12), (0.10, 0.30, 0.60), (0.12, 0.42, 0.25), (0.85, 0.65, 0.10), (0.2, 0.2, 0.22),
)  # fmt: skip
GLASS: Colour = (0.16, 0.19, 0.23)
WINDOW_FRAME: Colour = (0.88, 0.87, 0.84)
LAMPLIGHT: Colour = (1.0, 0.82, 0.48)
STOREY = 3.2
"""Height of a storey, metres."""


@dataclass(frozen=True)
class Lot:
    """A piece of land beside the street: from ``near`` to ``far`` along it, its front at x = ``front``."""

    side: int
    """-1 left of the street, 1 right."""
    front: float
    near: float
    far: float

    def across(self, depth: float) -> float:
        """The x that lies ``depth`` metres behind the front."""
        return self.front + self.side * depth

    @property
    def inwards(self) -> Point:
        """Normal of a surface along the front: towards the street."""
        return (-float(self.side), 0.0, 0.0)


def paint_roadside(canvas: Canvas, street: Street) -> None:
    """Paint what closes the street at its far end, then both sides, lot by lot, from far to near."""
    _paint_far_end(canvas, street)
    for side, front in ((-1, street.left_front), (1, street.right_front)):
        density = canvas.rng.uniform(0.45, 1.0)
        for lot in reversed(_lots(canvas.rng, side, front)):
            if canvas.rng.random() < density:
                _paint_house(canvas, lot)
            else:
                _paint_garden(canvas, lot)


def _lots(rng: np.random.Generator, side: int, front: float) -> list[Lot]:
    lots: list[Lot] = []
    near = 1.2
    while near < 75:
        far = near + rng.uniform(7, 17)
        lots.append(Lot(side, front, near, far))
        near = far
    return lots


def _paint_far_end(canvas: Canvas, street: Street) -> None:
    """Houses and trees across the end of the street, so that it does not run into the sky everywhere."""
    rng = canvas.rng
    x = -110.0
    while x < 110:
        width = rng.uniform(8, 22)
        if rng.random() < 0.45:
            height = rng.uniform(5, 16)
            colour = canvas.pick(FACADES)
            canvas.polygon(upright(x, x + width, 0, height, 90), colour, BUILDING)
            for left in np.arange(x + 1, x + width - 1.6, 2.8).tolist():
                for floor in np.arange(1, height - 2.2, STOREY).tolist():
                    canvas.polygon(upright(left, left + 1.3, floor, floor + 1.7, 90), GLASS, None)
        elif rng.random() < 0.75:
            colour = canvas.vary((0.30, 0.40, 0.22))
            paint_foliage(canvas, (x + width / 2, 3.0, 88.0), (width * 0.7, rng.uniform(3, 7)), colour)
        x += width


def _paint_house(canvas: Canvas, lot: Lot) -> None:
    rng = canvas.rng
    storeys = int(rng.integers(2, 7))
    height = storeys * STOREY + rng.uniform(0.6, 1.4)
    colour = canvas.pick(FACADES)
    dark = darker(colour, 0.72)
    back = lot.across(rng.uniform(9, 14))
    canvas.polygon(upright(lot.front, back, 0, height, lot.near), colour, BUILDING, FRONT)
    canvas.polygon(_along(lot, 0, height), colour, BUILDING, lot.inwards)
    canvas.polygon(_along(lot, 0, 0.7), dark, None, lot.inwards)
    canvas.polygon(_along(lot, height - 0.5, height), canvas.vary(dark), None, lot.inwards)
    _paint_gable_windows(canvas, lot, storeys, back)

    shop = rng.random() < 0.5
    _paint_windows(canvas, lot, range(1 if shop else 0, storeys), WINDOW_FRAME if rng.random() < 0.6 else dark)
    if shop:
        _paint_shop(canvas, lot)


def _paint_windows(canvas: Canvas, lot: Lot, storeys: range, frame: Colour) -> None:
    """Rows of windows along the front, some with a blind half down."""
    rng = canvas.rng
    pitch, wide, tall = rng.uniform(2.0, 3.4), rng.uniform(0.9, 1.5), rng.uniform(1.4, 2.0)
    for z in np.arange(lot.near + 0.7, lot.far - wide - 0.4, pitch).tolist():
        for storey in storeys:
            bottom = storey * STOREY + 1.0
            top = bottom + tall
            surround = _along(lot, bottom - 0.12, top + 0.1, z - 0.12, z + wide + 0.12)
            canvas.polygon(surround, frame, None, lot.inwards)
            glass, glows = _glass(canvas)
            canvas.polygon(_along(lot, bottom, top, z, z + wide), glass, None, lot.inwards, glows=glows)
            if rng.random() < 0.1:
                blind = _along(lot, bottom + tall / 2, top, z, z + wide)
                canvas.polygon(blind, (0.8, 0.78, 0.72), None, lot.inwards)


def _paint_gable_windows(canvas: Canvas, lot: Lot, storeys: int, back: float) -> None:
    """A house's end wall, seen where its nearer neighbour is lower: few windows, or none."""
    if canvas.rng.random() < 0.4:
        return
    left, right = sorted((lot.front, back))
    for x in np.arange(left + 1.2, right - 2, 3.1).tolist():
        for bottom in np.arange(1.0, storeys * STOREY - 1, STOREY).tolist():
            glass, glows = _glass(canvas)
            canvas.polygon(upright(x, x + 1.1, bottom, bottom + 1.6, lot.near), glass, None, FRONT, glows=glows)


def _paint_shop(canvas: Canvas, lot: Lot) -> None:
    """A shop front: a lit or dark pane, a sign above it, sometimes an awning."""
    rng = canvas.rng
    start, end = lot.near + 0.5, lot.far - 0.5
    lit = rng.random() < 0.25 + canvas.light.lamps
    pane = canvas.vary((0.72, 0.62, 0.44) if lit else GLASS)
    canvas.polygon(_along(lot, 0.5, 2.5, start, end), pane, None, lot.inwards, glows=lit and canvas.light.lamps > 0.1)
    for z in np.arange(start, end, 1.9).tolist():
        canvas.polygon(_along(lot, 0.4, 2.5, z, z + 0.14), (0.25, 0.24, 0.24), None, lot.inwards)
    sign = canvas.pick(SHOP_SIGNS)
    canvas.polygon(_along(lot, 2.55, 3.2, start, end), sign, None, lot.inwards)
    if rng.random() < 0.4:
        near_edge, depth = lot.across(0.0), lot.across(-1.1)
        for index, z in enumerate(np.arange(start, end - 0.6, 0.6).tolist()):
            stripe = sign if index % 2 else (0.88, 0.86, 0.8)
            awning = [(near_edge, 2.9, z), (near_edge, 2.9, z + 0.6), (depth, 2.35, z + 0.6), (depth, 2.35, z)]
            canvas.polygon(awning, stripe, BUILDING, (0.0, 0.8, -0.6))


def _paint_garden(canvas: Canvas, lot: Lot) -> None:
    rng = canvas.rng
    for _ in range(rng.integers(1, 4)):
        place = (lot.across(rng.uniform(2.5, 9)), 0.0, max(3.0, rng.uniform(lot.near, lot.far)))
        paint_tree(canvas, place, scale=rng.uniform(0.9, 1.4))
    if rng.random() < 0.8:
        height = rng.uniform(1.0, 1.8)
        canvas.polygon(_along(lot, 0, height), (0.16, 0.25, 0.12), VEGETATION, lot.inwards)
        colour = canvas.vary((0.24, 0.38, 0.16))
        for z in np.arange(lot.far, lot.near, -0.8).tolist():
            paint_foliage(canvas, (lot.front, height * 0.5, max(z, 1.5)), (0.7, height * 0.62), colour)


def _along(lot: Lot, bottom: float, top: float, near: float | None = None, far: float | None = None) -> list[Point]:
    """An upright rectangle in the plane of a lot's front."""
    start, end = lot.near if near is None else near, lot.far if far is None else far
    return [(lot.front, bottom, start), (lot.front, top, start), (lot.front, top, end), (lot.front, bottom, end)]


def _glass(canvas: Canvas) -> tuple[Colour, bool]:
    """Colour of a window, and whether it glows: lit from inside, dark, or with the sky in it."""
    rng = canvas.rng
    if rng.random() < canvas.light.lamps * 0.6:
        return canvas.vary(LAMPLIGHT, 0.08), True
    mirrored = rng.uniform(0, 0.55)
    red, green, blue = (g * (1 - mirrored) + z * mirrored for g, z in zip(GLASS, canvas.light.zenith, strict=True))
    return canvas.vary((red, green, blue)), False
