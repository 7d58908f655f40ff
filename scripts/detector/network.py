"""A detector of YOLOv8's kind in a tenth of its smallest size: convolutions, three strides, no anchors.

    grids = Detector()(images)        # for each stride of 8, 16 and 32: [N, 4 BINS + classes, h, w] of logits

The blocks are those of YOLOv8 (docs.ultralytics.com/models/yolov8): ``C2f``, a path down and a path up through the
strides, and of each stride two branches, one for distances and one for classes. Distances are distributions over bins,
in strides: X. Li et al., "Generalized Focal Loss", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scripts.streets.labels import OBJECTS

CLASSES = tuple(OBJECTS.values())
STRIDES = (8, 16, 32)
BINS = 8
"""Of each side's distance: 0 to 7 strides."""
WIDTHS = (16, 24, 40, 64, 80)
"""Channels at a half, a quarter and so on of the input's size."""


class Conv(nn.Sequential):
    """Convolution, batch norm, SiLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 1, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
            nn.SiLU(),
        )


class C2f(nn.Module):
    """Half of the channels go through two convolutions; what went in and what came out are mixed."""

    def __init__(self, inputs: int, outputs: int, *, added: bool) -> None:
        super().__init__()
        half = self.half = outputs // 2
        self.split = Conv(inputs, outputs)
        self.inner = nn.Sequential(Conv(half, half, 3), Conv(half, half, 3))
        self.mix = Conv(3 * half, outputs)
        self.added = added

    def forward(self, values: Tensor) -> Tensor:
        one, other = self.split(values).split(self.half, 1)
        result = self.inner(other)
        return self.mix(torch.cat((one, other, other + result if self.added else result), 1))


class Pool(nn.Module):
    """YOLOv8's SPPF: what lies around, by pooling over ever larger windows."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.take = Conv(width, width // 2)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.mix = Conv(2 * width, width)

    def forward(self, values: Tensor) -> Tensor:
        parts = [self.take(values)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.mix(torch.cat(parts, 1))


class Head(nn.Module):
    """For each stride a grid: the channels of the distances, then those of the classes."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.boxes = nn.ModuleList(self._branch(width, 4 * BINS) for width in widths)
        self.classes = nn.ModuleList(self._branch(width, len(CLASSES)) for width in widths)
        for boxes, classes in zip(self.boxes, self.classes, strict=True):
            nn.init.constant_(boxes[-1].bias, 1.0)
            nn.init.constant_(classes[-1].bias, -4.6)  # a score of 0.01: nearly all places have no object

    @staticmethod
    def _branch(width: int, channels: int) -> nn.Sequential:
        return nn.Sequential(Conv(width, 24, 3), nn.Conv2d(24, channels, 1))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        branches = zip(self.boxes, self.classes, features, strict=True)
        return [torch.cat((boxes(values), classes(values)), 1) for boxes, classes, values in branches]


class Detector(nn.Module):
    """float32 [N, 3, H, W], RGB in 0..1, both sides multiples of 32 -> a grid for each of ``STRIDES``."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, fine, middle, coarse = WIDTHS
        self.stem = nn.Sequential(Conv(3, half, 3, 2), Conv(half, quarter, 3, 2), C2f(quarter, quarter, added=True))
        self.to_fine = nn.Sequential(Conv(quarter, fine, 3, 2), C2f(fine, fine, added=True))
        self.to_middle = nn.Sequential(Conv(fine, middle, 3, 2), C2f(middle, middle, added=True))
        self.to_coarse = nn.Sequential(Conv(middle, coarse, 3, 2), C2f(coarse, coarse, added=True), Pool(coarse))
        self.up = nn.Upsample(scale_factor=2)
        self.down_middle = C2f(coarse + middle, middle, added=False)
        self.down_fine = C2f(middle + fine, fine, added=False)
        self.again_middle = Conv(fine, fine, 3, 2)
        self.up_middle = C2f(fine + middle, middle, added=False)
        self.head = Head((fine, middle, coarse))

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = self.to_fine(self.stem(images))
        middle = self.to_middle(fine)
        coarse = self.to_coarse(middle)
        middle = self.down_middle(torch.cat((self.up(coarse), middle), 1))
        fine = self.down_fine(torch.cat((self.up(middle), fine), 1))
        middle = self.up_middle(torch.cat((self.again_middle(fine), middle), 1))
        return self.head((fine, middle, coarse))


class Decoded(nn.Module):
    """A detector with what ``yolo export format=onnx`` puts behind it: [N, 4 + classes, places].

    Of each place cx, cy, w, h in pixels of the input, then the classes' probabilities.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> Tensor:
        grids = self.detector(images)
        flat = torch.cat([grid.reshape(1, 4 * BINS + len(CLASSES), -1) for grid in grids], 2)
        sides, classes = flat.split((4 * BINS, len(CLASSES)), 1)
        centres, strides = places([grid.shape[2:] for grid in grids])
        left, top, right, bottom = distances(sides).unbind(1)
        x, y = centres.unbind(1)
        boxes = torch.stack((x + (right - left) / 2, y + (bottom - top) / 2, left + right, top + bottom), 1)
        return torch.cat((boxes * strides, classes.sigmoid()), 1)


def distances(sides: Tensor) -> Tensor:
    """Distances of left, top, right and bottom, in strides: [N, 4 BINS, places] of logits -> [N, 4, places]."""
    bins = torch.arange(BINS, dtype=sides.dtype, device=sides.device)
    return (sides.reshape(len(sides), 4, BINS, -1).softmax(2) * bins[:, None]).sum(2)


def places(sizes: Sequence[Sequence[int]], device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Of all cells of grids of these heights and widths: centres (x, y) in strides [places, 2], strides [places]."""
    centres, strides = [], []
    for (height, width), stride in zip(sizes, STRIDES, strict=True):
        rows, columns = torch.meshgrid(torch.arange(int(height)), torch.arange(int(width)), indexing="ij")
        centres.append(torch.stack((columns, rows), -1).reshape(-1, 2) + 0.5)
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres).to(device), torch.cat(strides).to(device)
