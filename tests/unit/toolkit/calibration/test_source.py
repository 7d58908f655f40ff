"""Images from folders, patterns and archives; archives that mean harm."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration import unpack
from recipebuild.toolkit.calibration.source import images

FILES = {"b.png": b"second", "a/c.JPG": b"third", "a.jpeg": b"first", "a/notes.txt": b"-", "calib.npy": b"-"}
IMAGES = {"a.jpeg": b"first", "a/c.JPG": b"third", "b.png": b"second"}


def read(source: Path, pattern: str | None = None) -> dict[str, bytes]:
    with images(source, pattern) as members:
        return {image.name: image.read() for image in members}


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def tar(path: Path, files: dict[str, bytes], mode: Literal["w", "w:gz", "w:xz", "w:bz2"] = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def tar_gz(path: Path, files: dict[str, bytes]) -> Path:
    return tar(path, files, "w:gz")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


ARCHIVES = pytest.mark.parametrize("pack", [tar, tar_gz, zipped])
Pack = Callable[[Path, dict[str, bytes]], Path]


@pytest.mark.parametrize("pack", [folder, tar, tar_gz, zipped])
def test_images_are_found_by_suffix_and_sorted_by_name(tmp_path: Path, pack: Pack) -> None:
    # The name says nothing of the kind: that is told by content.
    assert list(read(pack(tmp_path / "source", FILES)).items()) == list(IMAGES.items())


@ARCHIVES
def test_members_can_be_read_in_any_order_and_twice(tmp_path: Path, pack: Pack) -> None:
    files = {f"{i:02}.jpg": bytes([i]) * (300_000 + i) for i in range(20)}
    with images(pack(tmp_path / "x", files)) as members:
        for image in (members[13], members[2], members[19], members[2], members[0]):
            assert image.read() == files[image.name]


@ARCHIVES
def test_dots_and_backslashes_in_member_names_are_folded(tmp_path: Path, pack: Pack) -> None:
    assert list(read(pack(tmp_path / "x", {"./one/a.jpg": b"1", "two\\b.jpg": b"2"}))) == ["one/a.jpg", "two/b.jpg"]


@pytest.mark.parametrize("pack", [folder, tar, zipped])
def test_hidden_files_are_not_images(tmp_path: Path, pack: Pack) -> None:
    files = {"a.jpg": b"1", "._a.jpg": b"2", ".thumbs/a.jpg": b"3", "__MACOSX/a.jpg": b"4"}
    assert list(read(pack(tmp_path / "x", files))) == ["a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.png", ["b.png"]),
        ("**/*.[jJ][pP]*", ["a.jpeg", "a/c.JPG"]),
        ("a/*", ["a/c.JPG"]),
        ("**/*", ["a.jpeg", "a/c.JPG", "b.png"]),
    ],
)
def test_a_pattern_selects_images_in_a_folder(tmp_path: Path, pattern: str, names: list[str]) -> None:
    assert list(read(folder(tmp_path, FILES), pattern)) == names


def test_links_in_the_users_own_folder_are_followed(tmp_path: Path) -> None:
    real = folder(tmp_path / "real", {"a.jpg": b"1"})
    source = folder(tmp_path / "source", {"b.jpg": b"2"})
    (source / "sub").symlink_to(real, target_is_directory=True)
    assert list(read(source)) == ["b.jpg", "sub/a.jpg"]


@pytest.mark.parametrize("pack", [folder, tar, tar_gz, zipped])
def test_a_source_without_images_is_an_error(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(StepError, match="no image"):
        read(pack(tmp_path / "x", {"calib.npy": b"1"}))


@pytest.mark.parametrize("pattern", ["*.bmp", "../*.jpg", "/etc/*.jpg"])
def test_a_pattern_that_matches_nothing_or_leaves_is_an_error(tmp_path: Path, pattern: str) -> None:
    folder(tmp_path, {"outside.jpg": b"1", "in/a.jpg": b"2"})
    with pytest.raises(StepError, match=r"pattern|matches"):
        read(tmp_path / "in", pattern)


def test_a_pattern_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="not a folder"):
        read(tar(tmp_path / "x.tar", FILES), "*.jpg")


def test_a_missing_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"gone\.tar: No such file"):
        read(tmp_path / "gone.tar")


NO_ARCHIVES = {
    "empty": b"",
    "text": b"no archive at all" * 100,
    "gzip of no tar": gzip.compress(b"no tar", mtime=0),
    "broken zip": b"PK\x03\x04 broken",
}


@pytest.mark.parametrize("content", NO_ARCHIVES.values(), ids=NO_ARCHIVES.keys())
def test_what_is_no_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(StepError, match=r"x\.tar is not a whole tar, tar\.gz or zip archive"):
        read(tmp_path / "x.tar")


@ARCHIVES
@pytest.mark.parametrize("name", ["../a.jpg", "/etc/a.jpg", "x/../../a.jpg", "..\\a.jpg"])
def test_a_name_that_leaves_the_archive_is_refused(tmp_path: Path, pack: Pack, name: str) -> None:
    with pytest.raises(StepError, match="leaves the archive"):
        read(pack(tmp_path / "x", {"ok.jpg": b"1", name: b"2"}))


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("evil.jpg")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(entry)
    with pytest.raises(StepError, match=r"evil\.jpg is a link, a device"):
        read(tmp_path / "x.tar")


@pytest.mark.parametrize("mode", [0o120777, 0o020666], ids=["link", "device"])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int) -> None:
    entry = zipfile.ZipInfo("evil.jpg")
    entry.create_system, entry.external_attr = 3, mode << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(StepError, match=r"evil\.jpg is a link or a device"):
        read(tmp_path / "x.zip")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "x.zip", {"a.jpg": b"1"}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(StepError, match=r"a\.jpg is encrypted"):
        read(tmp_path / "x.zip")


@pytest.mark.parametrize("pack", [tar_gz, zipped])
def test_a_bomb_is_refused(tmp_path: Path, pack: Pack) -> None:
    bomb = pack(tmp_path / "x", {"ok.jpg": b"1", "bomb.jpg": bytes(65 * 2**20)})
    assert bomb.stat().st_size < 2**17
    with pytest.raises(StepError, match=r"bomb\.jpg has 68,157,440 bytes; at most 64 MiB"):
        read(bomb)


def test_a_bomb_in_a_tar_gz_is_refused_at_its_header(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("bomb.jpg")
    entry.size = 2**40
    # None of the member's bytes are there: whoever tries to unpack them finds the archive truncated.
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(entry.tobuf()))
    with pytest.raises(StepError, match=r"bomb\.jpg has 1,099,511,627,776 bytes"):
        read(tmp_path / "x.tar.gz")


def test_a_zip_member_that_is_larger_than_it_claims_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "x.zip", {"liar.jpg": bytes(2**24)}).read_bytes())
    claimed = data.index(b"PK\x01\x02") + 24
    data[claimed : claimed + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(StepError, match=r"liar\.jpg: .*CRC"):
        read(tmp_path / "x.zip")


@ARCHIVES
def test_the_number_and_the_total_size_of_members_are_limited(
    tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path / "x", {f"{i}.jpg": bytes(100) for i in range(10)})
    with monkeypatch.context() as patch, pytest.raises(StepError, match=r"9\.jpg is one too many"):
        patch.setattr(unpack, "MAX_MEMBERS", 9)
        read(archive)
    with monkeypatch.context() as patch, pytest.raises(StepError, match=r"9\.jpg is one too many"):
        patch.setattr(unpack, "MAX_TOTAL", 999)
        read(archive)
    assert len(read(archive)) == 10


def test_a_header_that_claims_an_absurd_extension_is_refused(tmp_path: Path) -> None:
    extension = tarfile.TarInfo("pax")
    extension.type, extension.size = tarfile.XHDTYPE, 2**36
    with (tmp_path / "x.tar").open("wb") as file:
        file.write(extension.tobuf())
        file.truncate(2**36)
    with pytest.raises(StepError, match="not a whole"):
        read(tmp_path / "x.tar")


def test_endless_extensions_and_negative_sizes_are_refused(tmp_path: Path) -> None:
    extension = tarfile.TarInfo("name")
    extension.type = tarfile.GNUTYPE_LONGNAME
    (tmp_path / "long.tar").write_bytes(extension.tobuf() * 5000)
    negative = bytearray(tarfile.TarInfo("a.jpg").tobuf())
    negative[124:136] = b"\xff" * 11 + b"\x00"  # base 256, minus 256
    negative[148:156] = b" " * 8
    negative[148:156] = b"%06o\0 " % sum(negative)
    (tmp_path / "negative.tar").write_bytes(bytes(negative) + bytes(1024))
    for name in ("long.tar", "negative.tar"):
        with pytest.raises(StepError):
            read(tmp_path / name)


@pytest.mark.parametrize("pack", [tar, tar_gz])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.85])
def test_a_truncated_tar_is_refused(tmp_path: Path, pack: Pack, keep: float) -> None:
    noise = bytes(i * i * 7 % 251 for i in range(20_000))
    archive = pack(tmp_path / "x", {"a.jpg": noise, "b.jpg": noise[::-1], "c.jpg": noise[1:]})
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * keep)])
    with pytest.raises(StepError, match="not a whole"):
        read(archive)


def test_a_tar_cut_between_two_members_is_refused(tmp_path: Path) -> None:
    archive = tar(tmp_path / "x.tar", {"a.jpg": b"1", "b.jpg": b"2"})
    archive.write_bytes(archive.read_bytes()[:1024])
    with pytest.raises(StepError, match=r"damaged after a\.jpg"):
        read(archive)


def test_a_damaged_header_does_not_pass_for_the_end(tmp_path: Path) -> None:
    data = bytearray(tar(tmp_path / "x.tar", {"a.jpg": b"1", "b.jpg": b"2", "c.jpg": b"3"}).read_bytes())
    data[1024 + 148] ^= 1
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(StepError, match=r"damaged after a\.jpg"):
        read(tmp_path / "x.tar")


def test_a_flipped_bit_in_a_compressed_archive_is_noticed(tmp_path: Path) -> None:
    noise = bytes(i * i * 7 % 251 for i in range(20_000))
    data = bytearray(tar_gz(tmp_path / "x", {"a.jpg": noise}).read_bytes())
    data[-6] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(StepError, match="CRC"):
        read(tmp_path / "x")


def test_a_file_that_cannot_be_read_or_is_huge_is_named(tmp_path: Path) -> None:
    source = folder(tmp_path, {"a.jpg": b"1", "sub/huge.jpg": b"2"})
    with (source / "sub/huge.jpg").open("r+b") as file:
        file.truncate(65 * 2**20)
    with images(source) as members:
        (source / "a.jpg").unlink()
        with pytest.raises(StepError, match=r"a\.jpg: No such file"):
            members[0].read()
        with pytest.raises(StepError, match=r"sub/huge\.jpg: larger than 64 MiB"):
            members[1].read()


@ARCHIVES
def test_a_damaged_archive_never_escapes_as_a_librarys_error(tmp_path: Path, pack: Pack) -> None:
    whole = pack(tmp_path / "x", FILES).read_bytes()
    random = Random(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        (tmp_path / "x").write_bytes(data)
        try:
            read(tmp_path / "x")
        except StepError as error:
            refused += 1
            assert error.message.isprintable()
    assert refused


@pytest.mark.parametrize("pattern", [None, "**/*.jpg"])
def test_links_that_lead_in_circles_are_left_out(tmp_path: Path, pattern: str | None) -> None:
    source = folder(tmp_path, {"a.jpg": b"1", "sub/b.jpg": b"2"})
    (source / "one").symlink_to(".")
    (source / "sub" / "two").symlink_to("..")
    assert list(read(source, pattern)) == ["a.jpg", "sub/b.jpg"]
