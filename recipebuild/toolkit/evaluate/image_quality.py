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

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

_PEAK = 255.0
_EQUAL = 100.0
"""The PSNR of equal images, which is infinite, and the most that one can have."""
_WINDOW = 11


def psnr(truth: Pixels, predicted: Pixels) -> float:
    """The PSNR in dB of two images ``[h, w, C]``; 100 where they are equal."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    ratio = float(peak_signal_noise_ratio(_batch(predicted), _batch(truth), data_range=_PEAK))
    return min(ratio, _EQUAL)


def ssim(truth: Pixels, predicted: Pixels) -> float:
    """The SSIM (-1..1) of two images ``[h, w, C]``; NaN where they are smaller than the window."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    if min(truth.shape[:2]) < _WINDOW:
        return float("nan")
    _, everywhere = structural_similarity_index_measure(
        _batch(predicted), _batch(truth), data_range=_PEAK, return_full_image=True
    )
    border = _WINDOW // 2  # torchmetrics mirrors the image beyond its border; the paper stays inside
    return float(everywhere[..., border:-border, border:-border].mean())


def _batch(pixels: Pixels) -> Any:
    import torch

    return torch.from_numpy(pixels.astype("float64").transpose(2, 0, 1)[None])
