"""The builds of vehicles, as data: a side view in metres, what of it is glass, where its windows and wheels are."""

from __future__ import annotations

from dataclasses import dataclass

Outline = tuple[tuple[float, float], ...]
"""Points (u ahead, v up) in metres, from the lower back edge over the roof to the lower front edge."""


@dataclass(frozen=True)
class Shape:
    """The build of a vehicle, symmetric to both sides."""

    width: float
    outline: Outline
    glass: frozenset[int]
    """The numbers of those strips of the outline (the first is 0) that are windows."""
    shoulder: float
    """Height above which the body gets narrower."""
    taper: float
    """Share of the half-width that is lost between shoulder and roof."""
    side_windows: tuple[Outline, ...]
    wheels: tuple[float, ...]
    wheel_radius: float


SEDAN = Shape(
    width=1.80,
    outline=(
        (-2.2, 0.3), (-2.22, 0.7), (-2.1, 1.0), (-1.6, 1.04), (-0.95, 1.42),
        (0.35, 1.46), (1.05, 1.02), (2.0, 0.86), (2.2, 0.62), (2.2, 0.3),
    ),
    glass=frozenset({3, 5}),
    shoulder=1.0,
    taper=0.22,
    side_windows=(
        ((-1.30, 1.06), (-0.85, 1.36), (-0.25, 1.38), (-0.25, 1.04)),
        ((-0.15, 1.04), (-0.15, 1.38), (0.30, 1.38), (0.85, 1.02)),
    ),
    wheels=(-1.35, 1.35),
    wheel_radius=0.33,
)  # fmt: skip

HATCHBACK = Shape(
    width=1.76,
    outline=(
        (-1.95, 0.3), (-1.98, 0.75), (-1.9, 1.02), (-1.5, 1.44), (0.2, 1.52),
        (0.95, 1.05), (1.75, 0.9), (1.95, 0.62), (1.95, 0.3),
    ),
    glass=frozenset({2, 4}),
    shoulder=1.02,
    taper=0.2,
    side_windows=(
        ((-1.60, 1.08), (-1.35, 1.38), (-0.4, 1.43), (-0.4, 1.06)),
        ((-0.3, 1.06), (-0.3, 1.43), (0.15, 1.43), (0.75, 1.04)),
    ),
    wheels=(-1.2, 1.2),
    wheel_radius=0.33,
)  # fmt: skip

SUV = Shape(
    width=1.90,
    outline=(
        (-2.2, 0.38), (-2.25, 0.9), (-2.2, 1.12), (-1.95, 1.64), (0.3, 1.72),
        (1.0, 1.15), (2.05, 1.02), (2.25, 0.7), (2.25, 0.38),
    ),
    glass=frozenset({2, 4}),
    shoulder=1.1,
    taper=0.16,
    side_windows=(
        ((-1.95, 1.16), (-1.8, 1.56), (-0.5, 1.62), (-0.5, 1.16)),
        ((-0.4, 1.16), (-0.4, 1.62), (0.2, 1.62), (0.8, 1.16)),
    ),
    wheels=(-1.4, 1.4),
    wheel_radius=0.38,
)  # fmt: skip

VAN = Shape(
    width=1.95,
    outline=((-2.4, 0.35), (-2.4, 1.15), (-2.35, 1.95), (0.9, 2.0), (1.7, 1.2), (2.35, 1.0), (2.4, 0.35)),
    glass=frozenset({1, 3}),
    shoulder=1.15,
    taper=0.08,
    side_windows=(((0.15, 1.2), (0.15, 1.8), (0.85, 1.8), (1.45, 1.2)),),
    wheels=(-1.5, 1.5),
    wheel_radius=0.35,
)
