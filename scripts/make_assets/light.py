"""The light of a scene, drawn at random: day, low sun, dusk or overcast."""

from __future__ import annotations

import math

import numpy as np

from scripts.make_assets.canvas import Light, Point


def random_light(rng: np.random.Generator) -> Light:
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
