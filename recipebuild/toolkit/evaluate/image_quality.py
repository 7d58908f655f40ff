"""How near an image is to the right one: PSNR and SSIM.

Use: ``psnr(truth, predicted)``, of images as ``pixels.py`` gives them.

PSNR is 10 log10(255^2 / MSE) over all pixels and channels; SSIM is the mean over pixels and channels of

    (2 m_a m_b + C1) (2 s_ab + C2) / ((m_a^2 + m_b^2 + C1) (s_a^2 + s_b^2 + C2)),   C1 = (0.01 * 255)^2,
                                                                                    C2 = (0.03 * 255)^2

with means, variances and covariance under a Gaussian window of 11x11 pixels, sigma 1.5, that lies inside the image: Z.
Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP 13 (2004). Both are of
RGB, of all pixels: papers on super-resolution often give them of the luma alone, with a border left out.

torchmetrics has the same figures, which a test compares, in thirty times the time: the window is a product of two lines
of 11 pixels, so that 22 products of an image do the work of 121.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
    Array = npt.NDArray[np.float64]

_PEAK = 255.0
_EQUAL = 100.0
"""The PSNR of equal images, which is infinite, and the most that one can have."""
_WINDOW = 11
_SIGMA = 1.5


def psnr(truth: Pixels, predicted: Pixels) -> float:
    """The PSNR in dB of two images ``[h, w, C]``; 100 where they are equal."""
    import numpy as np

    error = np.mean((truth.astype(np.float64) - predicted) ** 2)
    return float(min(10 * np.log10(_PEAK**2 / error), _EQUAL)) if error else _EQUAL


def ssim(truth: Pixels, predicted: Pixels) -> float:
    """The SSIM (-1..1) of two images ``[h, w, C]``; NaN where they are smaller than the window."""
    if min(truth.shape[:2]) < _WINDOW:
        return float("nan")
    a, b = truth.astype("float64"), predicted.astype("float64")
    mean_a, mean_b = _smoothed(a), _smoothed(b)
    variances = _smoothed(a * a) - mean_a**2 + _smoothed(b * b) - mean_b**2
    covariance = _smoothed(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((above / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))).mean())


def _smoothed(image: Array) -> Array:
    """Means under the window, where all of it lies inside: ``[h - 10, w - 10, C]`` of ``[h, w, C]``."""
    import numpy as np

    line = np.exp(-((np.arange(_WINDOW) - _WINDOW // 2) ** 2) / (2 * _SIGMA**2))
    line /= line.sum()
    for _ in range(2):  # down, then, turned, across; turned twice, as it was
        inside = len(image) - _WINDOW + 1
        rows = sum(weight * image[at : at + inside] for at, weight in enumerate(line))
        image = np.swapaxes(rows, 0, 1)
    return image
