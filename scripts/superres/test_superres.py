"""The super-resolution network: what it begins as, and the promises of the committed files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scripts.superres.network import SuperResolution
from scripts.superres.train import smaller, to_tensor

DATA = Path(__file__).resolve().parents[2] / "recipes" / "quickstart-superres"


def test_it_begins_by_repeating_pixels() -> None:
    images = torch.rand(1, 3, 4, 6)
    with torch.no_grad():
        made = SuperResolution()(images)
    torch.testing.assert_close(made, images.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_half_the_size_is_what_the_committed_images_are() -> None:
    for path in sorted((DATA / "heldout/targets").iterdir()):
        target, image = (np.asarray(Image.open(DATA / "heldout" / name / path.name)) for name in ("targets", "images"))
        np.testing.assert_array_equal(smaller(target), image)
    assert to_tensor([image]).shape == (1, 3, 64, 128)


def test_the_committed_network_is_small_and_better_than_the_bicubic_filter() -> None:
    assert (DATA / "superres.onnx").stat().st_size < 150_000
    rows = [line.split() for line in (DATA / "README.md").read_text(encoding="utf-8").splitlines() if " dB |" in line]
    network, bicubic = (float(row[3]) for row in rows)
    assert network > bicubic + 1
