"""Sounds in which something like a voice comes and goes: ``sound(rng)`` gives frames, and in which of them it is there.

A voice is a stack of harmonics under three formants, as a glottis and a throat make it, in syllables. Beside it there
is noise of any colour, a hum, and clicks: loud alone is no voice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Samples a second."""
FRAME = 256
FRAMES = 64


def sound(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two seconds: float32 [FRAMES, FRAME] within about -1..1, and for each frame 1 where there is a voice, else 0."""
    count = FRAMES * FRAME
    there = _comes_and_goes(rng)
    loud = 10 ** rng.uniform(-1.3, -0.5)
    mixed = loud * _voice(rng, count) * np.repeat(there, FRAME)
    mixed += loud * 10 ** rng.uniform(-1.5, -0.4) * _noise(rng, count)
    if rng.random() < 0.5:
        seconds = np.arange(count) / RATE
        mixed += loud * rng.uniform(0.1, 0.7) * np.sin(2 * np.pi * rng.uniform(60, 3000) * seconds)
    for at in rng.integers(count - 40, size=rng.integers(6)):
        mixed[at : at + 40] += 3 * loud * rng.normal(size=40) * np.linspace(1, 0, 40)
    return mixed.reshape(FRAMES, FRAME).astype(np.float32), there.astype(np.float32)


def _comes_and_goes(rng: np.random.Generator) -> NDArray[np.float64]:
    """1 in stretches of 6 to 20 frames, 0 in others."""
    there: list[float] = []
    now = float(rng.integers(2))
    while len(there) < FRAMES:
        there += [now] * int(rng.integers(6, 21))
        now = 1 - now
    return np.array(there[:FRAMES])


def _voice(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    seconds = np.arange(count) / RATE
    pitch = rng.uniform(90, 240) * (1 + 0.08 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * seconds + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = rng.uniform((300, 900, 2100), (800, 1900, 3000))
    made = np.zeros(count)
    for harmonic in range(1, 25):
        hertz = harmonic * pitch
        weight = sum(np.exp(-(((hertz - formant) / 180) ** 2)) for formant in formants) + 0.05
        made += np.where(hertz < RATE / 2, weight / harmonic**0.5, 0) * np.sin(harmonic * phase)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * rng.uniform(2, 5) * seconds + rng.uniform(0, 6))
    made *= syllables
    return np.asarray(made / made.std())


def _noise(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Noise whose power falls with the frequency, or does not."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** rng.uniform(0, 0.8)
    made = np.fft.irfft(spectrum, count)
    return np.asarray(made / made.std())
