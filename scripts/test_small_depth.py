"""The rooms that the depth model is trained on, and that it can be trained and planted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts import small_depth
from scripts.plant_outliers import plant
from scripts.small_depth import DEEPEST, SIZE, _ball, _box, _plane, _rays, batch, draw, made, save, train


def test_a_seed_draws_the_same_room_every_time_and_every_pixel_meets_something() -> None:
    for seed in range(5):
        (picture, depth), (again, same) = draw(seed), draw(seed)
        np.testing.assert_array_equal(picture, again)
        np.testing.assert_array_equal(depth, same)
        assert (picture.shape, depth.shape) == ((*SIZE, 3), SIZE)
        assert 0.3 < depth.min() < depth.max() < DEEPEST


def test_depth_is_along_the_axis_of_the_camera() -> None:
    middle = SIZE[0] // 2, SIZE[1] // 2
    level = _rays(pitch=0.0)
    wall = _plane(level, 2, 5.0)
    np.testing.assert_allclose(wall.depth, 5.0)
    assert wall.normal[middle].tolist() == [0, 0, -1]
    floor = _plane(level, 1, 1.5)
    assert np.isinf(floor.depth[: middle[0]]).all()
    assert floor.depth[-1].min() == pytest.approx(1.5 / level[-1, 0, 1])
    ball = _ball(level, np.array([0.0, 0.0, 4.0]), 0.5)
    assert ball.depth[middle] == pytest.approx(3.5, abs=1e-3)
    np.testing.assert_allclose(ball.normal[middle], [0, 0, -1], atol=0.05)
    assert np.isinf(ball.depth[0, 0])
    box = _box(level, np.array([0.0, 0.0, 4.0]), np.array([0.3, 0.3, 0.2]), turn=0.0)
    assert box.depth[middle] == pytest.approx(3.8)
    assert box.normal[middle].tolist() == [0, 0, -1]
    turned = _box(level, np.array([0.0, 0.0, 4.0]), np.array([0.3, 0.3, 0.2]), turn=np.pi / 2)
    assert turned.depth[middle] == pytest.approx(3.7)


def test_rooms_are_saved_as_evaluate_reads_them(tmp_path: Path) -> None:
    save(tmp_path, range(2))
    for seed in range(2):
        picture, depth = draw(seed)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "images" / f"{seed}.png")), picture)
        np.testing.assert_array_equal(np.load(tmp_path / "depth" / f"{seed}.npy"), depth)


@pytest.fixture
def threads() -> Iterator[None]:
    """What training sets for the whole process, set back."""
    import torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])


@pytest.mark.usefixtures("threads")
def test_a_model_is_trained_once_and_planting_leaves_its_depth_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import GLPNForDepthEstimation

    trained = train(steps=1)
    monkeypatch.setattr(small_depth, "train", lambda: trained)
    folder = made(tmp_path / "model")
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert (made(folder) / "model.safetensors").stat().st_mtime_ns == written
    plant(folder, tmp_path / "planted", "both")
    images, depth = batch(range(1))
    with torch.no_grad():
        plain, planted = (
            GLPNForDepthEstimation.from_pretrained(each)(torch.from_numpy(images)).predicted_depth.numpy()
            for each in (folder, tmp_path / "planted")
        )
    assert plain.shape == depth.shape and 0 < plain.min() < plain.max() < DEEPEST
    np.testing.assert_allclose(planted, plain, rtol=1e-3)
    weights = [(each / "model.safetensors").read_bytes() for each in (folder, tmp_path / "planted")]
    assert weights[0] != weights[1]
