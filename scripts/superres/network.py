"""A network that makes an image twice as large, all of whose layers work on the small image.

After W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
Neural Network", CVPR 2016.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

FACTOR = 2
CHANNELS = 32
LAYERS = 5


class SuperResolution(nn.Module):  # type: ignore[misc]  # torch is not followed
    """RGB in 0..1, float32 [N, 3, H, W] -> [N, 3, 2H, 2W]: what to add to each pixel, repeated."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [3, *[CHANNELS] * (LAYERS - 1), 3 * FACTOR**2]
        convs = [nn.Conv2d(inputs, outputs, 3, padding=1) for inputs, outputs in pairwise(sizes)]
        self.layers = nn.Sequential(*[part for conv in convs for part in (conv, nn.ReLU())][:-1])
        nn.init.zeros_(convs[-1].weight)
        nn.init.zeros_(convs[-1].bias)
        self.shuffle = nn.PixelShuffle(FACTOR)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The larger images."""
        repeated = images.repeat_interleave(FACTOR**2, dim=1)
        return self.shuffle(self.layers(images) + repeated)
