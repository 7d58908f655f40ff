"""How a detector of transformers gives its boxes, by its config.json.

Use: ``detector_of(folder / "config.json")``. Which models have a class for "no object", and which judge every class for
itself, is in the losses of transformers (``loss/loss_utils.py``: ``ForObjectDetectionLoss`` and the others).
"""

from __future__ import annotations

import json
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.toolkit.detection.detector import Detector

_WITH_NO_OBJECT = frozenset({"detr", "table-transformer", "yolos"})
_CLASSES = 2
"""What transformers assumes where a config.json names no classes."""


def detector_of(path: Path) -> Detector:
    """The detector that a config.json describes.

    Raises:
        StepError: If it says that there are no classes.
    """
    config = json.loads(path.read_text(encoding="utf-8"))  # the step fetch has looked at it
    named, counted = config.get("id2label"), config.get("num_labels")
    classes = len(named) if isinstance(named, dict) else counted if isinstance(counted, int) else _CLASSES
    if classes < 1:
        raise StepError("its config.json has no classes", field="model.source", remedy="see id2label there")
    return Detector(kind="detr" if config["model_type"] in _WITH_NO_OBJECT else "rt-detr", classes=classes)
