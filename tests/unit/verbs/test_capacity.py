"""What is said of images, disk and memory before a build."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from recipebuild.recipe.load import load
from recipebuild.recipe.schema import Recipe
from recipebuild.verbs.capacity import concerns


@pytest.fixture
def recipe(street_images: Path) -> Recipe:
    sets = [f"calibration.source={street_images}", "calibration.count=8"]
    return load("quickstart", sets=sets, cwd=Path.cwd())[0].recipe


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with plenty of everything."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 50, 0, 1 << 50))
    monkeypatch.setattr(os, "sysconf", lambda name: 1 << 20)


@pytest.mark.usefixtures("roomy")
def test_with_room_there_is_nothing_to_say(recipe: Recipe, tmp_path: Path) -> None:
    assert concerns(recipe, tmp_path / "no" / "store", pulsar2=True) == []


def test_fewer_images_than_asked_for(street_images: Path, tmp_path: Path) -> None:
    sets = [f"calibration.source={street_images}", "calibration.count=9"]
    recipe = load("quickstart", sets=sets, cwd=Path.cwd())[0].recipe
    assert concerns(recipe, tmp_path, pulsar2=False) == [
        "warning: RB202 calibration.count is 9, but there are only 8 images"
    ]


def test_little_disk_and_memory(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 0, 3 << 30))
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2 << 20}.__getitem__)
    disk, memory = concerns(recipe, tmp_path, pulsar2=True)
    assert "warning: RB505 3072 MiB are free" in disk
    assert memory.startswith("note: RB506 ") and "this machine has 8 GiB" in memory
    assert concerns(recipe, tmp_path, pulsar2=False) == []


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize(
    ("name", "says"), [("dinov2-giant-518x518", "about 1.1 G parameters, 4.5 GB"), ("siglip-so400m", "")]
)
def test_models_over_the_largest_onnx_file(name: str, says: str, tmp_path: Path) -> None:
    lines = concerns(load(name, cwd=Path.cwd())[0].recipe, tmp_path, pulsar2=True)
    assert [says in line for line in lines] == ([True] if says else [])


def test_a_graph_that_does_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1 << 20}.__getitem__)
    small, large = (load(name, cwd=Path.cwd())[0].recipe for name in ("vit-base", "siglip-so400m"))
    assert concerns(small, tmp_path, pulsar2=False) == []
    (warning,) = concerns(large, tmp_path, pulsar2=False)
    assert warning.startswith("warning: RB510 ") and warning.endswith("this machine has 4.3 GB")


@pytest.mark.usefixtures("roomy")
def test_a_local_model_is_measured_by_its_configuration(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"vision_config": {"num_hidden_layers": 48, "hidden_size": 1664}}')
    model = recipe.model.model_copy(update={"source": str(tmp_path)})
    (warning,) = concerns(recipe.model_copy(update={"model": model}), tmp_path, pulsar2=True)
    assert warning.startswith("warning: RB504 ") and "1.6 G parameters" in warning


@pytest.mark.usefixtures("roomy")
def test_a_link_that_leads_in_a_circle_is_told(street_images: Path, tmp_path: Path) -> None:
    (street_images / "loop").symlink_to(".")
    sets = [f"calibration.source={street_images}", "calibration.count=8"]
    recipe = load("quickstart", sets=sets, cwd=Path.cwd())[0].recipe
    (warning,) = concerns(recipe, tmp_path, pulsar2=False)
    assert warning.startswith(f"warning: RB214 calibration.source: {street_images / 'loop'} leads back to a folder")
