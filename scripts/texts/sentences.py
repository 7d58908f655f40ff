"""Sentences about streets, each said in many ways: ``say(scene, rng)`` twice gives two that mean the same.

A scene is who, of which colour, does what, where, and when. Two scenes that differ in any of these mean something else,
though nearly all words of their sentences may be the same.
"""

from __future__ import annotations

import zlib
from dataclasses import astuple, dataclass, replace

import numpy as np

THINGS = (
    ("car", "automobile"), ("truck", "lorry"), ("bus", "coach"), ("bicycle", "bike"), ("motorcycle", "motorbike"),
    ("van", "delivery van"), ("taxi", "cab"), ("tram", "streetcar"), ("scooter", "moped"), ("tractor", "farm tractor"),
)  # fmt: skip
COLORS = (
    ("red", "crimson"), ("blue", "azure"), ("white", "snow white"), ("black", "jet black"), ("green", "emerald"),
    ("yellow", "golden"), ("grey", "silver"), ("brown", "bronze"),
)  # fmt: skip
ACTIONS = (
    ("stops", "comes to a halt"), ("waits", "stands still"), ("turns left", "makes a left turn"),
    ("turns right", "makes a right turn"), ("speeds up", "goes faster"), ("slows down", "loses speed"),
    ("backs up", "goes in reverse"), ("parks", "pulls in to park"),
)  # fmt: skip
PLACES = (
    ("at the traffic light", "by the signal"), ("at the crossing", "by the intersection"),
    ("on the bridge", "over the river"),
    ("in the tunnel", "under the hill"), ("beside the school", "next to the schoolhouse"),
    ("near the station", "close to the railway stop"), ("behind the market", "at the back of the shops"),
    ("in front of the church", "facing the chapel"),
)  # fmt: skip
TIMES = (
    ("at night", "after dark"), ("in the morning", "at dawn"), ("at noon", "in the middle of the day"),
    ("in the rain", "while rain falls"), ("in the snow", "while snow falls"), ("in the fog", "in thick mist"),
)  # fmt: skip
_NAMES = ("thing", "color", "action", "place", "time")
_SLOTS = (THINGS, COLORS, ACTIONS, PLACES, TIMES)
_FORMS = (
    "a {color} {thing} {action} {place} {time}",
    "{time} a {color} {thing} {action} {place}",
    "{place} a {thing} that is {color} {action} {time}",
    "there is a {color} {thing} , it {action} {place} {time}",
    "{time} and {place} , a {color} {thing} {action}",
)


@dataclass(frozen=True)
class Scene:
    """What a sentence says: numbers of rows of the tables."""

    thing: int
    color: int
    action: int
    place: int
    time: int


def is_held_out(one: Scene) -> bool:
    """Whether nothing is trained on what says this: one scene in seven, whichever."""
    return zlib.crc32(bytes(astuple(one))) % 7 == 0


def scene(rng: np.random.Generator, *, held_out: bool = False) -> Scene:
    """Any scene of those that are held out, or of the others."""
    while True:
        one = Scene(*(int(rng.integers(len(rows))) for rows in _SLOTS))
        if is_held_out(one) == held_out:
            return one


def unlike(one: Scene, rng: np.random.Generator) -> Scene | None:
    """A scene that differs from ``one`` in one thing, and is held out if that is; ``None`` if there is none."""
    others = [
        replace(one, **{name: value})
        for name, rows in zip(_NAMES, _SLOTS, strict=True)
        for value in range(len(rows))
        if value != getattr(one, name)
    ]
    able = [other for other in others if is_held_out(other) == is_held_out(one)]
    return able[int(rng.integers(len(able)))] if able else None


def say(one: Scene, rng: np.random.Generator) -> str:
    """A sentence that says it, in words and an order that are left to chance."""
    words = [rows[number][int(rng.integers(2))] for rows, number in zip(_SLOTS, astuple(one), strict=True)]
    form = _FORMS[int(rng.integers(len(_FORMS)))]
    return form.format(**dict(zip(_NAMES, words, strict=True)))


def vocabulary() -> list[str]:
    """All words of all sentences, sorted."""
    parts = [text for rows in _SLOTS for row in rows for text in row]
    forms = [word for form in _FORMS for word in form.split() if "{" not in word]
    return sorted({word for text in parts for word in text.split()} | set(forms))
