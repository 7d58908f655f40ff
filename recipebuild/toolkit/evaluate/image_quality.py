"""How near an image is to the right one: PSNR and SSIM, by torchmetrics.

Use: ``psnr(truth, predicted)``, of images as ``pixels.py`` gives them.

PSNR is 10 log10(255^2 / MSE) over all pixels and channels; SSIM is the mean over pixels and channels of

    (2 m_a m_b + C1) (2 s_ab + C2) / ((m_a^2 + m_b^2 + C1) (s_a^2 + s_b^2 + C2)),   C1 = (0.01 * 255)^2,
                                                                                    C2 = (0.03 * 255)^2

with means, variances and covariance under a Gaussian window of 11x11 pixels, sigma 1.5, that lies inside the image: Z.
Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP 13 (2004). Both are of
RGB, of all pixels: papers on super-resolution often give them of the luma alone, with a border left out.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

_PEAK = 255.0
_EQUAL = 100.0
"""The PSNR of equal images, which is infinite, and the most that one can have."""
_WINDOW = 11
_TILE = 64
"""Windows along a side that are computed at once. torch spreads out each window where a convolution is in float64: 2.6
GB for an image of 512x1024, mapped anew for each convolution, which takes three times as long."""


def psnr(truth: Pixels, predicted: Pixels) -> float:
    """The PSNR in dB of two images ``[h, w, C]``; 100 where they are equal."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    ratio = float(peak_signal_noise_ratio(_batch(predicted), _batch(truth), data_range=_PEAK))
    return min(ratio, _EQUAL)


def ssim(truth: Pixels, predicted: Pixels) -> float:
    """The SSIM (-1..1) of two images ``[h, w, C]``; NaN where they are smaller than the window."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    height, width = (side - _WINDOW + 1 for side in truth.shape[:2])
    if min(height, width) < 1:
        return float("nan")
    border = _WINDOW // 2  # torchmetrics mirrors the image beyond its border; the paper stays inside
    total = 0.0
    for top, left in product(range(0, height, _TILE), range(0, width, _TILE)):
        rows, columns = (slice(start, start + _TILE + 2 * border) for start in (top, left))
        tiles = _batch(predicted[rows, columns]), _batch(truth[rows, columns])
        _, everywhere = structural_similarity_index_measure(*tiles, data_range=_PEAK, return_full_image=True)
        total += float(everywhere[..., border:-border, border:-border].sum())
    return total / float(height * width * truth.shape[2])


def _batch(pixels: Pixels) -> Any:
    import torch

    return torch.from_numpy(pixels.astype("float64").transpose(2, 0, 1)[None])
