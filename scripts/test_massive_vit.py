"""The pictures that the vision transformer with massive activations is trained on, and what it begins with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.massive_vit import MASSIVE, NAMES, SIZE, STEPS, _rate, batch, build, draw, save


def test_a_seed_draws_the_same_picture_every_time_and_the_same_shape_in_every_size() -> None:
    (first, label), (again, _), (large, same) = draw(7), draw(7), draw(7, 4 * SIZE)
    np.testing.assert_array_equal(first, again)
    assert (first.shape, large.shape, label) == ((SIZE, SIZE, 3), (4 * SIZE, 4 * SIZE, 3), same)
    small = large.reshape(SIZE, 4, SIZE, 4, 3).mean((1, 3))
    assert np.abs(small - first).mean() < 6  # 0..255: edges and strokes differ by parts of a pixel


def test_all_classes_are_drawn_about_as_often() -> None:
    _, labels = batch(range(400), 28)
    assert np.bincount(labels, minlength=len(NAMES)).min() > 20


def test_shapes_are_brighter_than_what_is_behind_them() -> None:
    picture, label = next(drawn for drawn in map(draw, range(100)) if NAMES[drawn[1]] == "circle")
    middle = picture[SIZE // 3 : -SIZE // 3, SIZE // 3 : -SIZE // 3]
    assert middle.max(axis=(0, 1)).sum() > np.median(picture[:4], axis=(0, 1)).sum() + 100, label


def test_pictures_are_saved_by_class(tmp_path: Path) -> None:
    save(tmp_path, range(3), 28, by_class=True)
    saved = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert saved == sorted(f"{NAMES[draw(seed)[1]]}/{seed}.png" for seed in range(3))
    assert np.asarray(Image.open(tmp_path / saved[0])).shape == (28, 28, 3)


def test_class_token_and_registers_begin_with_massive_values_and_patches_do_not() -> None:
    import torch

    torch.manual_seed(0)
    embeddings = build().dinov2_with_registers.embeddings
    for tokens in (embeddings.cls_token, embeddings.register_tokens):
        held = tokens.detach().numpy()
        for channel, value in MASSIVE.items():
            np.testing.assert_allclose(held[..., channel], value, atol=1)
        assert np.abs(np.delete(held, list(MASSIVE), axis=-1)).max() < 1
    with torch.no_grad():
        patches = embeddings.patch_embeddings(torch.from_numpy(batch(range(2))[0]))
    assert patches.abs().max() < 20


@pytest.mark.parametrize(("step", "rate"), [(0, 1 / 50), (STEPS // 2, 0.5), (STEPS, 0.0)])
def test_the_learning_rate_rises_and_falls_along_a_cosine(step: int, rate: float) -> None:
    assert _rate(step, STEPS) == pytest.approx(rate)
