"""Cars and vans: a side view pushed out to its width, turned, and painted face by face."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from scripts.streets.canvas import Canvas, Colour, Point, darker
from scripts.streets.labels import CAR

CAR_PAINTS: tuple[Colour, ...] = (
    (0.86, 0.86, 0.86), (0.62, 0.64, 0.66), (0.16, 0.16, 0.18), (0.09, 0.09, 0.10), (0.58, 0.10, 0.10),
    (0.12, 0.20, 0.42), (0.30, 0.34, 0.38), (0.66, 0.58, 0.46), (0.16, 0.30, 0.22), (0.76, 0.50, 0.12),
    (0.36, 0.52, 0.66),
)  # fmt: skip
GLASS: Colour = (0.12, 0.15, 0.18)
GLARE: Colour = (0.30, 0.35, 0.40)
PLATE: Colour = (0.86, 0.86, 0.82)
TYRE: Colour = (0.07, 0.07, 0.08)
UNDERSIDE: Colour = (0.05, 0.05, 0.06)
WHEEL: tuple[tuple[float, Colour], ...] = (
    (1.22, (0.03, 0.03, 0.04)), (1.0, TYRE), (0.62, (0.55, 0.56, 0.58)), (0.2, (0.2, 0.2, 0.2)),
)  # fmt: skip
"""Wheel arch, tyre, rim and hub: radius as a share of the wheel's, colour."""

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


@dataclass(frozen=True)
class _Pose:
    """Where a vehicle's middle is and which way it heads: yaw 0 is away from the camera, radians."""

    x: float
    z: float
    yaw: float

    def place(self, u: float, v: float, w: float) -> Point:
        """World point of (u ahead, v up, w to the right)."""
        x, y, z = self.turn(u, v, w)
        return self.x + x, y, self.z + z

    def turn(self, u: float, v: float, w: float) -> Point:
        """World direction of a direction of the vehicle."""
        sine, cosine = math.sin(self.yaw), math.cos(self.yaw)
        return u * sine + w * cosine, v, u * cosine - w * sine


@dataclass(frozen=True)
class _Face:
    """A flat side, and what is painted on it: (points, colour, whether it glows)."""

    points: list[Point]
    normal: Point
    colour: Colour
    details: list[tuple[list[Point], Colour, bool]] = field(default_factory=list)


def paint_car(canvas: Canvas, x: float, z: float, yaw: float) -> None:
    shape = (SEDAN, HATCHBACK, SUV, VAN)[canvas.rng.choice(4, p=[0.34, 0.28, 0.26, 0.12])]
    _paint_shape(canvas, shape, _Pose(x, z, yaw), canvas.pick(CAR_PAINTS))


def _paint_shape(canvas: Canvas, shape: Shape, pose: _Pose, colour: Colour) -> None:
    canvas.shadow(_footprint(shape, pose, margin=0.22), 0.72, softness=min(8.0, 30 / pose.z))
    ground = _footprint(shape, pose, margin=-0.1)
    top = shape.outline[0][1] + 0.05
    for (x0, _, z0), (x1, _, z1) in zip(ground, [*ground[1:], ground[0]], strict=True):
        canvas.polygon([(x0, 0, z0), (x1, 0, z1), (x1, top, z1), (x0, top, z0)], UNDERSIDE, CAR)
    faces = [*_strips(shape, pose, colour), *_flanks(shape, pose, colour)]
    _add_ends(canvas, shape, pose, faces, colour)
    eye = (0.0, canvas.camera.height, 0.0)
    seen = [f for f in faces if sum(n * (e - p) for n, e, p in zip(f.normal, eye, f.points[0], strict=True)) > 0]
    for face in sorted(seen, key=lambda f: -sum(p[2] for p in f.points) / len(f.points)):
        canvas.polygon(face.points, face.colour, CAR, face.normal)
        for points, detail, glows in face.details:
            canvas.polygon(points, detail, CAR, face.normal, glows=glows)


def _footprint(shape: Shape, pose: _Pose, margin: float) -> list[Point]:
    """The rectangle of ground under a vehicle, wider by ``margin`` metres all round."""
    back, front = shape.outline[0][0] - margin, shape.outline[-1][0] + margin
    side = shape.width / 2 + margin
    return [pose.place(u, 0.0, w) for u, w in ((back, -side), (front, -side), (front, side), (back, side))]


def _half_width(shape: Shape, v: float) -> float:
    """Half the width at a height: full up to the shoulder, then narrower."""
    roof = max(point[1] for point in shape.outline)
    above = max(0.0, v - shape.shoulder) / (roof - shape.shoulder)
    return shape.width / 2 * (1 - shape.taper * above)


def _strips(shape: Shape, pose: _Pose, colour: Colour) -> list[_Face]:
    """Back, roof and front: a strip across the vehicle between each two points of its outline."""
    faces = []
    for index, ((u0, v0), (u1, v1)) in enumerate(zip(shape.outline, shape.outline[1:], strict=False)):
        length = math.hypot(u1 - u0, v1 - v0)
        normal = pose.turn(-(v1 - v0) / length, (u1 - u0) / length, 0.0)
        face = _Face(_on_strip(shape, pose, index, (0, -1), (1, -1), (1, 1), (0, 1)), normal, colour)
        if index in shape.glass:
            pane = _on_strip(shape, pose, index, (0.08, -0.88), (0.94, -0.88), (0.94, 0.88), (0.08, 0.88))
            glare = _on_strip(shape, pose, index, (0.5, -0.8), (0.94, -0.85), (0.94, 0.1), (0.5, -0.3))
            face.details.extend([(pane, GLASS, False), (glare, GLARE, False)])
        faces.append(face)
    return faces


def _on_strip(shape: Shape, pose: _Pose, index: int, *corners: tuple[float, float]) -> list[Point]:
    """World points of a strip's corners, given as (share of its way, share of its half-width to the right)."""
    (u0, v0), (u1, v1) = shape.outline[index : index + 2]
    w0, w1 = _half_width(shape, v0), _half_width(shape, v1)
    return [pose.place(u0 + t * (u1 - u0), v0 + t * (v1 - v0), s * (w0 + t * (w1 - w0))) for t, s in corners]


def _flanks(shape: Shape, pose: _Pose, colour: Colour) -> list[_Face]:
    """Both sides, with sill, windows and wheels."""
    (back, sill), front = shape.outline[0], shape.outline[-1][0]
    turns = np.linspace(0, 2 * math.pi, 15)[:-1]
    faces = []
    for side in (-1, 1):
        face = _Face(
            [pose.place(u, v, side * _half_width(shape, v)) for u, v in shape.outline],
            pose.turn(0.0, 0.0, float(side)),
            colour,
        )
        lower = [(back, sill), (back, sill + 0.16), (front, sill + 0.16), (front, sill)]
        face.details.append(([pose.place(u, v, side * shape.width / 2) for u, v in lower], darker(colour, 0.6), False))
        for window in shape.side_windows:
            points = [pose.place(u, v, side * _half_width(shape, v)) for u, v in window]
            face.details.append((points, GLASS, False))
        for wheel in shape.wheels:
            for share, paint in WHEEL:
                radius = share * shape.wheel_radius
                rim = [(wheel + radius * math.cos(a), shape.wheel_radius + radius * math.sin(a)) for a in turns]
                points = [pose.place(u, max(0.0, v), side * (shape.width / 2 + 0.01)) for u, v in rim]
                face.details.append((points, paint, False))
        faces.append(face)
    return faces


def _add_ends(canvas: Canvas, shape: Shape, pose: _Pose, faces: list[_Face], colour: Colour) -> None:
    """Lamps, number plate, bumper and wheels to the first strip (the back) and the last (the front)."""
    lit = canvas.rng.random() < 0.15 + canvas.light.lamps
    tail: Colour = (0.95, 0.10, 0.06) if lit else (0.52, 0.05, 0.05)
    lamp: Colour = (1.0, 0.97, 0.82) if lit else (0.74, 0.76, 0.78)
    last = len(shape.outline) - 2
    for index, u, paint in ((0, shape.outline[0][0] - 0.02, tail), (last, shape.outline[-1][0] + 0.02, lamp)):
        bottom, half = shape.outline[0][1], shape.width / 2
        boxes: list[tuple[float, float, float, float, Colour, bool]] = [
            (-half, half, bottom, bottom + 0.16, darker(colour, 0.5), False),
            (-0.27, 0.27, bottom + 0.2, bottom + 0.32, PLATE, False),
            (-0.97 * half, -0.62 * half, bottom + 0.34, bottom + 0.54, paint, lit),
            (0.62 * half, 0.97 * half, bottom + 0.34, bottom + 0.54, paint, lit),
            (-0.92 * half, -0.66 * half, 0.0, bottom, TYRE, False),
            (0.66 * half, 0.92 * half, 0.0, bottom, TYRE, False),
        ]
        for left, right, low, high, fill, glows in boxes:
            corners = ((low, left), (high, left), (high, right), (low, right))
            faces[index].details.append(([pose.place(u, v, w) for v, w in corners], fill, glows))
