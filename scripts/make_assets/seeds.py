"""Which scenes are for what: the seeds of three sets that share none."""

from __future__ import annotations

CALIBRATION = range(32)
HELD_OUT = range(100, 124)
TRAINING = range(1000, 2000)
