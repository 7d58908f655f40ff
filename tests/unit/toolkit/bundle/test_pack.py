from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from recipebuild.toolkit.bundle.pack import sums, write_archive, write_sums


def fill(folder: Path, size: int) -> Path:
    folder.mkdir()
    (folder / "b.bin").write_bytes(os.urandom(17) * (size // 17 + 1))
    (folder / "run.py").write_text("print()")
    return folder


@pytest.mark.parametrize("size", [0, 40_000, 65_535 - 512, 200_000])
def test_tar_and_gzip_read_the_archive(tmp_path: Path, size: int) -> None:
    folder = fill(tmp_path / "bundle", size)
    write_archive(folder, tmp_path / "x.tar.gz", "mine")
    subprocess.run(["gzip", "-t", str(tmp_path / "x.tar.gz")], check=True)
    subprocess.run(["tar", "-xzf", "x.tar.gz"], cwd=tmp_path, check=True)
    for path in folder.iterdir():
        assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()
    assert os.access(tmp_path / "mine" / "run.py", os.X_OK)


def test_the_same_files_give_the_same_archive_whatever_their_times_and_modes(tmp_path: Path) -> None:
    folder = fill(tmp_path / "bundle", 1000)
    write_archive(folder, tmp_path / "one.tar.gz", "mine")
    (folder / "b.bin").chmod(0o600)
    os.utime(folder / "b.bin", (1, 1))
    write_archive(folder, tmp_path / "two.tar.gz", "mine")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_nothing_in_the_archive_tells_of_the_machine(tmp_path: Path) -> None:
    write_archive(fill(tmp_path / "bundle", 10), tmp_path / "x.tar.gz", "mine")
    assert (tmp_path / "x.tar.gz").read_bytes()[4:8] == bytes(4)
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")


def test_sha256sum_reads_the_sums(tmp_path: Path) -> None:
    folder = fill(tmp_path / "bundle", 10)
    write_sums(folder)
    assert (
        "OK"
        in subprocess.run(
            ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
    )
    assert sums(folder) == (folder / "SHA256SUMS").read_text()
