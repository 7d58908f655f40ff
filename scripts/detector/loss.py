"""What is wrong with a detector's grids: which place stands for which object, and three losses.

    loss = detection_loss(detector(images), truth)

Places are chosen by how well they do already, and losses are weighted by it: C. Feng et al., "TOOD: Task-aligned
One-stage Object Detection", ICCV 2021, with YOLOv8's figures (ten places, score^0.5 IoU^6, weights 7.5 : 0.5 : 1.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from scripts.detector.network import BINS, CLASSES, distances, places

PLACES = 10
"""How many places an object has at most."""
WEIGHTS = {"box": 7.5, "class": 0.5, "bins": 1.5}


@dataclass(frozen=True)
class Truth:
    """The objects of a batch, filled up to as many as the fullest image has.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels of the input [N, M, 4].
        ids: Class ids, int64 [N, M].
        real: bool [N, M], False for what fills up and for what is hidden.
        hidden: bool [N, M]: a score in such a box is neither right nor wrong.
    """

    boxes: Tensor
    ids: Tensor
    real: Tensor
    hidden: Tensor


class Assignment(NamedTuple):
    """For each place [N, P]: whether it stands for an object, for which, and how well, 0..1."""

    taken: Tensor
    object: Tensor
    quality: Tensor


def detection_loss(grids: Sequence[Tensor], truth: Truth) -> Tensor:
    """The loss of a batch, a scalar."""
    flat = torch.cat([grid.flatten(2) for grid in grids], 2)
    sides, logits = flat.split((4 * BINS, len(CLASSES)), 1)
    logits = logits.transpose(1, 2)
    centres, strides = places([grid.shape[2:] for grid in grids], flat.device)
    far = distances(sides).transpose(1, 2)
    boxes = torch.cat((centres - far[..., :2], centres + far[..., 2:]), 2) * strides[:, None]
    inside = _inside(centres * strides[:, None], truth.boxes)
    chosen = assign(logits.detach().sigmoid(), boxes.detach(), inside, truth)

    own = chosen.object[..., None]
    ids = truth.ids.gather(1, chosen.object)
    target = one_hot(ids, len(CLASSES)) * chosen.quality[..., None]
    total = chosen.quality.sum().clamp(min=1)
    open_places = (inside & truth.hidden[..., None]).any(1) & ~chosen.taken
    judged = (~open_places)[..., None].to(logits.dtype)
    of_classes = binary_cross_entropy_with_logits(logits, target, judged, reduction="sum") / total

    weight = chosen.quality[chosen.taken]
    right = truth.boxes.gather(1, own.expand(-1, -1, 4))
    of_boxes = ((1 - complete_iou(boxes[chosen.taken], right[chosen.taken])) * weight).sum() / total
    wanted = torch.cat((centres - right[..., :2] / strides[:, None], right[..., 2:] / strides[:, None] - centres), 2)
    bins = sides.unflatten(1, (4, BINS)).permute(0, 3, 1, 2)
    of_bins = (_bins_loss(bins[chosen.taken], wanted[chosen.taken]) * weight).sum() / total
    return WEIGHTS["box"] * of_boxes + WEIGHTS["class"] * of_classes + WEIGHTS["bins"] * of_bins


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, inside: Tensor, truth: Truth) -> Assignment:
    """Which place stands for which object.

    Args:
        scores: [N, P, classes], 0..1.
        boxes: [N, P, 4], pixels of the input.
        inside: Which places lie in which objects, bool [N, M, P].
        truth: The objects.
    """
    count, most = truth.ids.shape
    of_class = scores.transpose(1, 2).gather(1, truth.ids[..., None].expand(-1, -1, scores.shape[1]))
    overlap = overlaps(truth.boxes, boxes)
    allowed = inside & truth.real[..., None]
    aligned = (of_class.sqrt() * overlap**6) * allowed
    best = aligned.topk(PLACES, 2).indices
    candidate = torch.zeros_like(allowed).scatter_(2, best, value=True) & allowed
    # A place that several objects want is that of the one that its box covers best.
    owner = (overlap * candidate).argmax(1)
    mine = candidate & (one_hot(owner, most).transpose(1, 2) > 0)
    taken = mine.any(1)
    aligned, overlap = aligned * mine, overlap * mine
    scaled = aligned / aligned.amax(2, keepdim=True).clamp(min=1e-9) * overlap.amax(2, keepdim=True)
    quality = scaled.amax(1) if count and most else torch.zeros_like(taken, dtype=scores.dtype)
    return Assignment(taken, owner, quality * taken)


def _inside(points: Tensor, boxes: Tensor) -> Tensor:
    """Which points [P, 2] lie in which boxes [N, M, 4]: bool [N, M, P]."""
    low, high = boxes[..., None, :2], boxes[..., None, 2:]
    return ((points > low) & (points < high)).all(-1)


def overlaps(one: Tensor, other: Tensor) -> Tensor:
    """IoU of boxes [N, M, 4] with boxes [N, P, 4]: [N, M, P]."""
    one, other = one[:, :, None], other[:, None]
    return _shared(one, other)[0]


def _shared(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """IoU of boxes [..., 4], and width and height [..., 2] of what both span."""
    size = (torch.minimum(one[..., 2:], other[..., 2:]) - torch.maximum(one[..., :2], other[..., :2])).clamp(min=0)
    span = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(one[..., :2], other[..., :2])
    both = size.prod(-1)
    union = (one[..., 2:] - one[..., :2]).prod(-1) + (other[..., 2:] - other[..., :2]).prod(-1) - both
    return both / union.clamp(min=1e-6), span


def complete_iou(one: Tensor, other: Tensor) -> Tensor:
    """CIoU of boxes [n, 4], pair by pair: IoU less how far centres and shapes differ.

    Z. Zheng et al., "Distance-IoU Loss", AAAI 2020.
    """
    iou, span = _shared(one, other)
    apart = ((one[..., :2] + one[..., 2:] - other[..., :2] - other[..., 2:]) ** 2).sum(-1) / 4
    wide, high = (one[..., 2:] - one[..., :2]).clamp(min=1e-3).unbind(-1)
    wanted_wide, wanted_high = (other[..., 2:] - other[..., :2]).clamp(min=1e-3).unbind(-1)
    shape = 4 / math.pi**2 * (torch.atan(wanted_wide / wanted_high) - torch.atan(wide / high)) ** 2
    share = (shape / (1 - iou + shape).clamp(min=1e-6)).detach()
    return iou - apart / (span**2).sum(-1).clamp(min=1e-6) - share * shape


def _bins_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy [n] of distributions [n, 4, BINS] with the two bins about each distance [n, 4], over four sides."""
    wanted = wanted.clamp(0, BINS - 1.01)
    low = wanted.long()
    share = wanted - low
    flat = logits.flatten(0, 1)
    below = cross_entropy(flat, low.flatten(), reduction="none").view_as(wanted)
    above = cross_entropy(flat, low.flatten() + 1, reduction="none").view_as(wanted)
    return (below * (1 - share) + above * share).mean(-1)
