"""Calibration archives: the draw, the names, the bytes."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.archive import read_archive, sample, write_archive
from recipebuild.toolkit.calibration.imagefile import ImageFile


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def files(*names: str) -> list[ImageFile]:
    return [ImageFile(name, partial(png, i)) for i, name in enumerate(names)]


def names(chosen: list[ImageFile]) -> list[str]:
    return [image.name for image in chosen]


def test_the_draw_depends_on_names_and_seed_not_on_the_order_of_discovery() -> None:
    sources = files(*(f"{i:03}.png" for i in range(100)))
    assert names(sample(sources, 10, seed=3)) == names(sample(sources[::-1], 10, seed=3))
    assert names(sample(sources, 10, seed=3)) != names(sample(sources, 10, seed=4))


def test_the_draw_of_a_seed_never_changes() -> None:
    # A change, of ours or of Python's, would silently give everybody other calibration sets.
    chosen = sample(files(*(f"{i:02}.png" for i in range(20))), 5, seed=0)
    assert names(chosen) == ["01.png", "08.png", "12.png", "13.png", "15.png"]


def test_a_draw_of_more_than_there_is_takes_all_sorted() -> None:
    assert names(sample(files("b.png", "a.png"), 10, seed=0)) == ["a.png", "b.png"]


def test_members_keep_their_bytes_and_say_nothing_of_time_or_owner(tmp_path: Path) -> None:
    write_archive(files("b.png", "a.png"), tmp_path / "c.tar")
    with tarfile.open(tmp_path / "c.tar") as tar:
        entries = tar.getmembers()
        assert [entry.name for entry in entries] == ["a.png", "b.png"]
        assert [tar.extractfile(entry).read() for entry in entries] == [png(1), png(0)]
    for entry in entries:
        assert entry.isreg()
        assert (entry.mtime, entry.mode, entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0o644, 0, 0, "", "")


def test_the_same_images_give_the_same_bytes_on_another_day_elsewhere(tmp_path: Path) -> None:
    digests: set[str] = set()
    for folder in ("one", "two/deep"):
        (tmp_path / folder).mkdir(parents=True)
        write_archive(files("b.png", "a.png"), tmp_path / folder / f"{len(digests)}.tar")
        os.utime(tmp_path / folder, (0, 0))
        digests.add(hashlib.sha256((tmp_path / folder / f"{len(digests)}.tar").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_names_become_plain_and_unique(tmp_path: Path) -> None:
    sources = files(
        "sub/dir/a b.jpg", "sub/dir_a_b.jpg", "sub_dir/A_b.JPG", "sub_dir_a_b-2.jpg", "街.png", "道.png", "x/.png.png"
    )
    write_archive(sources, tmp_path / "c.tar")
    with tarfile.open(tmp_path / "c.tar") as tar:
        assert tar.getnames() == sorted(
            [
                "sub_dir_a_b.jpg", "sub_dir_a_b-2.jpg", "sub_dir_A_b-3.JPG", "sub_dir_a_b-2-2.jpg",
                "_.png", "_-2.png", "x_.png.png",
            ]
        )  # fmt: skip


def test_a_long_name_fits_and_is_read_again(tmp_path: Path) -> None:
    deep = "/".join(["long." * 20] * 5)
    write_archive(files(f"{deep}/one.png", f"{deep}/two.png", "." * 3 + "x" * 79 + ".png"), tmp_path / "c.tar")
    assert len(list(read_archive(tmp_path / "c.tar"))) == 3


def test_it_is_read_again_sorted_one_image_at_a_time(tmp_path: Path) -> None:
    write_archive(files("b.png", "a.png", "c.png"), tmp_path / "c.tar")
    read = [(name, np.asarray(image)) for name, image in read_archive(tmp_path / "c.tar")]
    assert [name for name, _ in read] == ["a.png", "b.png", "c.png"]
    np.testing.assert_array_equal(read[0][1], np.asarray(Image.open(io.BytesIO(png(1)))))


def test_all_broken_images_are_named_at_once_and_no_archive_is_left(tmp_path: Path) -> None:
    broken = [ImageFile(f"bad/{i:02}.png", lambda: png(0)[:100]) for i in range(12)]
    with pytest.raises(StepError, match="12 of 14 images cannot be used") as caught:
        write_archive([*files("a.png", "z.png"), *broken], tmp_path / "c.tar")
    for i in range(10):
        assert f"bad/{i:02}.png: " in caught.value.message
    assert caught.value.message.endswith("; and 2 more")
    assert not (tmp_path / "c.tar").exists()


def test_progress_counts_images(tmp_path: Path) -> None:
    seen: list[int] = []
    write_archive(files("a.png", "b.png"), tmp_path / "c.tar", seen.append)
    assert seen == [1, 2]
