"""What stands on the pavements: people, and street lamps on posts wide enough to be seen at a quarter of the size."""

from __future__ import annotations

from functools import partial

from scripts.streets.canvas import Canvas, Colour, Point, bar, darker, flat, upright
from scripts.streets.labels import PERSON, POLE

CLOTHES: tuple[Colour, ...] = (
    (0.12, 0.13, 0.18), (0.20, 0.24, 0.36), (0.52, 0.14, 0.14), (0.74, 0.72, 0.68), (0.34, 0.36, 0.30),
    (0.66, 0.52, 0.20), (0.44, 0.44, 0.46), (0.20, 0.40, 0.44), (0.62, 0.38, 0.42), (0.10, 0.10, 0.10),
    (0.40, 0.30, 0.22),
)  # fmt: skip
SKIN: tuple[Colour, ...] = ((0.86, 0.66, 0.54), (0.72, 0.52, 0.40), (0.46, 0.32, 0.24), (0.32, 0.22, 0.17))
HAIR: tuple[Colour, ...] = ((0.10, 0.08, 0.07), (0.28, 0.19, 0.12), (0.62, 0.48, 0.28), (0.55, 0.53, 0.52))
SHOES: Colour = (0.09, 0.08, 0.08)


def paint_person(canvas: Canvas, x: float, z: float) -> None:
    """Paint somebody who stands or walks at (x, z), facing any way."""
    rng = canvas.rng
    tall = rng.uniform(1.5, 1.9) / 1.75
    stride, swing = rng.uniform(0.02, 0.3), rng.uniform(-0.07, 0.12)
    coat, trousers = canvas.pick(CLOTHES), canvas.pick(CLOTHES)
    hem = float(rng.choice([0.82, 0.82, 0.5]))
    limb = partial(_paint_limb, canvas, (x, z), tall)
    canvas.shadow(flat(x, z, 0.4, 0.22), 0.6, 2.0)
    limb(darker(trousers, 0.75), (-0.09, 0.9), (-stride, 0.06), 0.19)
    limb(trousers, (0.09, 0.9), (stride, 0.06), 0.19)
    for foot in (-stride, stride):
        limb(SHOES, (foot - 0.03, 0.05), (foot + 0.12, 0.05), 0.11)
    limb(canvas.vary(coat), (-0.25, 1.36), (-0.30 - swing, 0.84), 0.13)
    body = ((-0.25, 1.42), (0.25, 1.42), (0.22, 1.1), (0.24, hem), (-0.24, hem), (-0.22, 1.1))
    canvas.polygon([(x + u * tall, v * tall, z) for u, v in body], coat, PERSON)
    shaded = ((0.08, 1.42), (0.25, 1.42), (0.24, hem), (0.06, hem))
    canvas.polygon([(x + u * tall, v * tall, z) for u, v in shaded], darker(coat, 0.8), None)
    limb(canvas.vary(coat), (0.25, 1.36), (0.30 + swing, 0.84), 0.13)
    if rng.random() < 0.35:
        bag = x + float(rng.choice([-0.36, 0.36]))
        canvas.polygon(upright(bag - 0.15, bag + 0.15, 0.4, 0.72, z), canvas.pick(CLOTHES), PERSON)
    _paint_head(canvas, (x, 1.60 * tall, z), 0.14 * tall)


def _paint_head(canvas: Canvas, centre: Point, radius: float) -> None:
    """Neck, head and hair; half of all people look away from the camera."""
    x, y, z = centre
    skin, hair = canvas.pick(SKIN), canvas.pick(HAIR)
    canvas.disc((x, y - radius * 1.1, z), radius * 0.55, skin, PERSON)
    canvas.disc(centre, radius, hair if canvas.rng.random() < 0.5 else skin, PERSON, stretch=0.85)
    canvas.disc((x, y + radius * 0.35, z), radius * 0.78, hair, PERSON, stretch=1.05)


def _paint_limb(
    canvas: Canvas,
    at: tuple[float, float],
    scale: float,
    colour: Colour,
    start: tuple[float, float],
    end: tuple[float, float],
    thick: float,
) -> None:
    """An arm or a leg between two points (to the right, up) of a plane that faces the camera at (x, z)."""
    x, z = at
    corners = bar(start, end, thick)
    canvas.polygon([(x + u * scale, max(0.0, v * scale), z) for u, v in corners], colour, PERSON)


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
