"""The step calibrate, as the engine runs it."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.steps.calibrate import Params, run

FEW = "RB204 {} images are few: the ranges of activations depend on which; 32 is usual"


def calibrate(source: Path, out: Path, **params: Any) -> dict[str, Any]:
    out.mkdir()
    fractions: list[float] = []
    asked = Params.model_validate({"count": 4, "shape": [1, 3, 64, 128], **params})
    metrics = run({"source": source}, asked, out, lambda fraction, text="": fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [path.name for path in out.iterdir()] == ["calibration.tar"]
    return metrics


def test_it_packs_a_draw_of_a_folder(street_images: Path, tmp_path: Path) -> None:
    metrics = calibrate(street_images, tmp_path / "out")
    with tarfile.open(tmp_path / "out/calibration.tar") as tar:
        sizes = [entry.size for entry in tar]
    assert metrics == {
        "images": 4,
        "bytes": sum(sizes),
        "smallest": "128x64",
        "largest": "128x64",
        "warnings": [FEW.format(4)],
    }


def test_a_folder_and_an_archive_of_it_give_the_same_bytes(street_images: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "streets.tgz", "w:gz") as tar:
        for path in sorted(street_images.iterdir(), reverse=True):
            tar.add(path, path.name)
    calibrate(street_images, tmp_path / "one")
    calibrate(tmp_path / "streets.tgz", tmp_path / "two")
    assert (tmp_path / "one/calibration.tar").read_bytes() == (tmp_path / "two/calibration.tar").read_bytes()


def test_another_seed_draws_others(street_images: Path, tmp_path: Path) -> None:
    calibrate(street_images, tmp_path / "one")
    calibrate(street_images, tmp_path / "two", seed=1)
    assert (tmp_path / "one/calibration.tar").read_bytes() != (tmp_path / "two/calibration.tar").read_bytes()


def test_fewer_images_than_asked_for_are_a_warning(street_images: Path, tmp_path: Path) -> None:
    metrics = calibrate(street_images, tmp_path / "out", count=32)
    assert metrics["images"] == 8
    assert metrics["warnings"] == ["RB202 32 images asked for, only 8 found: all of them are used", FEW.format(8)]


def test_odd_images_are_warned_of_and_measured(street_images: Path, tmp_path: Path) -> None:
    Image.new("L", (300, 300)).save(street_images / "grey.png")
    metrics = calibrate(street_images, tmp_path / "out", count=9)
    assert (metrics["smallest"], metrics["largest"]) == ("128x64", "300x300")
    reasons = [text.split(" images are ")[1][:9] for text in metrics["warnings"]]
    assert reasons == ["grey, and", "stretched", "of a sing", "few: the "]


def test_a_pattern_selects(street_images: Path, tmp_path: Path) -> None:
    assert calibrate(street_images, tmp_path / "out", pattern="street-[0-2].jpg")["images"] == 3


def test_a_truncated_image_fails_the_step_by_name(street_images: Path, tmp_path: Path) -> None:
    victim = street_images / "street-5.jpg"
    victim.write_bytes(victim.read_bytes()[:-400])
    with pytest.raises(StepError, match=r"1 of 8 images cannot be used: street-5\.jpg: image file is truncated"):
        calibrate(street_images, tmp_path / "out", count=8)


def test_diverse_images_cover_the_source_where_a_draw_need_not(street_images: Path, tmp_path: Path) -> None:
    picture = Image.open(street_images / "street-0.jpg")
    for i in range(40):
        picture.point([min(255, value + i % 3) for value in range(256)] * 3).save(street_images / f"twin-{i}.png")
    metrics = calibrate(street_images, tmp_path / "out", count=8, select="diverse")
    with tarfile.open(tmp_path / "out/calibration.tar") as tar:
        names = tar.getnames()
    assert metrics["images"] == 8
    assert {f"street-{i}.jpg" for i in range(1, 8)} < set(names)
    assert not any("nearly the same" in text for text in metrics["warnings"])
    drawn = calibrate(street_images, tmp_path / "drawn", count=8)
    assert any("nearly the same" in text for text in drawn["warnings"])


def test_diverse_takes_all_where_there_are_no_more(street_images: Path, tmp_path: Path) -> None:
    calibrate(street_images, tmp_path / "one", count=8, select="diverse")
    calibrate(street_images, tmp_path / "two", count=8)
    assert (tmp_path / "one/calibration.tar").read_bytes() == (tmp_path / "two/calibration.tar").read_bytes()


def test_images_of_a_single_colour_are_nothing_to_calibrate_with(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for i in range(3):
        Image.new("RGB", (128, 64), (i, 100, 50)).save(tmp_path / f"plain/{i}.png")
    with pytest.raises(StepError, match="all 3 calibration images are of a single colour each") as caught:
        calibrate(tmp_path / "plain", tmp_path / "out")
    assert "calibration.source" in caught.value.remedy
