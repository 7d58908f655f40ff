"""The noise that 8 bits will put on what takes a tensor, predicted; and the scales that make it least.

With x' = x / s and W' = s W, the activation's step is R(s) / 255, where R(s) is the range of all x', and that of the
weights of output o is max_j |W_oj s_j| / 127.5; a step d is noise of d^2 / 12 (B. Widrow, "Statistical analysis of
amplitude-quantized sampled-data systems", 1961). So, relative to the variance of the output y,

    J(s) = [ (R(s) / 255)^2 / 12  sum_oj s_j^2 W_oj^2
             + sum_o (max_j |W_oj s_j| / 127.5)^2 / 12  sum_j E[x_j^2] / s_j^2 ] / Var(y)

summed over all that take the tensor. Scales are s_j = r_j^a / m_j^b, with r_j the range of channel j and m_j its
largest weight; a and b are looked for on a grid of 11 x 11 between 0 and 1. a = b = 0 leaves all as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_GRID = 11


@dataclass(frozen=True)
class Spread:
    """What the channels of a tensor hold, over a calibration set; float64, a value a channel.

    Attributes:
        low: The smallest value.
        high: The largest one.
        square: The mean of the squares.
    """

    low: Array
    high: Array
    square: Array


class Noisy(Protocol):
    """What takes the channels, and is the noisier the worse they fit 8 bits."""

    def noise(self, scale: Array) -> float:
        """J of this one, with the channels divided by ``scale``."""

    def largest(self, count: int) -> Array:
        """m: the largest factor of each of ``count`` channels."""


@dataclass(frozen=True)
class Linear:
    """A linear operator with stored weights.

    Attributes:
        spread: Of its input, by channel.
        weights: |W| with the outputs on the first axis: [outputs, factors].
        channels: The channel of each weight, of a shape that broadcasts to that of ``weights``.
        variance: Of its output: of all elements, times the number of outputs.
    """

    spread: Spread
    weights: Array
    channels: npt.NDArray[np.int32]
    variance: float

    def noise(self, scale: Array) -> float:
        """J of this operator."""
        import numpy as np

        scales = scale[self.channels]
        scaled = self.weights * scales
        step = extent(self.spread, scale) / 255
        activation = step**2 / 12 * float(np.sum(scaled**2))
        signal = np.broadcast_to(self.spread.square[self.channels] / scales**2, self.weights.shape).sum(axis=1)
        weight = float(np.sum((scaled.max(axis=1) / 127.5) ** 2 / 12 * signal))
        return (activation + weight) / self.variance

    def largest(self, count: int) -> Array:
        """m: the largest weight of each channel."""
        import numpy as np

        most = np.zeros(count)
        np.maximum.at(most, np.broadcast_to(self.channels, self.weights.shape), self.weights)
        return most


@dataclass(frozen=True)
class Score:
    """Q K^T: channel j of Q is multiplied with channel j of K, which is multiplied by what Q's is divided by.

        J(s) = [ (R(q / s) / 255)^2 / 12  sum_j s_j^2 E[k_j^2]
                 + (R(s k) / 255)^2 / 12  sum_j E[q_j^2] / s_j^2 ] / Var(y)

    Attributes:
        query: The spread of Q's channels.
        key: That of K's channels, in the order of Q's.
        variance: That of the scores.
    """

    query: Spread
    key: Spread
    variance: float

    def noise(self, scale: Array) -> float:
        """J of the product."""
        import numpy as np

        of_query = (extent(self.query, scale) / 255) ** 2 / 12 * float(np.sum(scale**2 * self.key.square))
        of_key = (extent(self.key, 1 / scale) / 255) ** 2 / 12 * float(np.sum(self.query.square / scale**2))
        return (of_query + of_key) / self.variance

    def largest(self, count: int) -> Array:
        """m: the range of K's channels."""
        return ranges(self.key)


@dataclass(frozen=True)
class Choice:
    """The scales that promise the least noise.

    Attributes:
        scale: s of each channel.
        gain: What is won, in dB: 10 log10 J(1) / J(s).
    """

    scale: Array
    gain: float


def choose(spread: Spread, takers: Sequence[Noisy]) -> Choice:
    """The best scales of the grid for channels of this spread and all that take them.

    Channels that hold nothing, or are multiplied by nothing, keep a scale of 1.
    """
    import numpy as np

    reach = ranges(spread)
    largest = np.max([each.largest(len(reach)) for each in takers], axis=0)
    used = (reach > 0) & (largest > 0)
    ones = np.ones(len(reach))
    before = best = sum(each.noise(ones) for each in takers)
    chosen = ones
    if not used.any() or not before > 0:
        return Choice(ones, 0.0)
    for a in np.linspace(0, 1, _GRID):
        for b in np.linspace(0, 1, _GRID):
            logs = a * np.log(reach[used]) - b * np.log(largest[used])
            scale = ones.copy()
            scale[used] = np.exp(logs - logs.mean())  # J does not change with all of s; this keeps numbers tame
            noise = sum(each.noise(scale) for each in takers)
            if noise < best:
                best, chosen = noise, scale
    return Choice(chosen, float(10 * np.log10(before / best)))


def ranges(spread: Spread) -> Array:
    """r: how far each channel reaches from 0, on both sides together."""
    import numpy as np

    return np.maximum(spread.high, 0) - np.minimum(spread.low, 0)


def extent(spread: Spread, scale: Array) -> float:
    """R(s): the range that one step size for all channels must cover; 0 is in it."""
    return max(float((spread.high / scale).max()), 0.0) - min(float((spread.low / scale).min()), 0.0)
