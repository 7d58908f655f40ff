"""Street lamps, on posts wide enough to be seen at a quarter of the picture's size."""

from __future__ import annotations

from scripts.make_assets.canvas import Canvas, Colour, darker, flat, upright
from scripts.make_assets.labels import POLE

METALS: tuple[Colour, ...] = ((0.42, 0.44, 0.45), (0.26, 0.28, 0.28), (0.58, 0.58, 0.56), (0.20, 0.27, 0.24))


def paint_street_lamp(canvas: Canvas, x: float, z: float, inwards: int) -> None:
    """Paint a tall lamp whose arm reaches over the road: ``inwards`` is 1 when the road is on its right, else -1."""
    rng = canvas.rng
    metal = canvas.pick(METALS)
    height = rng.uniform(5.5, 8)
    _paint_post(canvas, x, z, height, 0.30, metal)
    reach = inwards * rng.uniform(0.9, 1.8)
    arm = [(x, height - 0.3, z), (x, height, z), (x + reach, height + 0.32, z), (x + reach, height + 0.12, z)]
    canvas.polygon(arm, metal, POLE)
    lit = rng.random() < canvas.light.lamps * 1.6
    head = [
        (x + reach * 0.8, height + 0.02, z),
        (x + reach * 0.8, height + 0.38, z),
        (x + reach * 1.4, height + 0.42, z),
        (x + reach * 1.4, height + 0.12, z),
    ]
    canvas.polygon(head, (1.0, 0.92, 0.66) if lit else (0.70, 0.70, 0.68), POLE, glows=lit)


def _paint_post(canvas: Canvas, x: float, z: float, height: float, radius: float, metal: Colour) -> None:
    """A round post: lit on the side of the sun, dark on the other."""
    canvas.shadow(flat(x, z, 0.3, 0.2), 0.5, 2.0)
    canvas.polygon(upright(x - radius, x + radius, 0, height, z), None, POLE)
    sunny = 1 if canvas.light.sun[0] > 0 else -1
    for index, level in enumerate((1.15, 0.95, 0.65)):
        left, right = (x + sunny * radius * (1 - 2 * (index + step) / 3) for step in (0, 1))
        canvas.polygon(upright(left, right, 0, height, z), darker(metal, level), None)
    canvas.polygon(upright(x - radius * 1.5, x + radius * 1.5, 0, 0.5, z), darker(metal, 0.8), POLE)
