"""Class ids in files, and the ids that models are trained with."""

from __future__ import annotations

IGNORE = 255
"""The class id of pixels that do not count."""

CITYSCAPES_IDS = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15,
    31: 16, 32: 17, 33: 18,
}  # fmt: skip
"""Cityscapes' trainId by id, of the classes that are evaluated (github.com/mcordts/cityscapesScripts, labels.py)."""
