"""Finding Pulsar2: what is on PATH, which images an engine has, and what is broken never stops or stalls anybody."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.toolkit.pulsar2 import container
from recipebuild.toolkit.pulsar2.toolchain import find, missing_remedy

Standins = Callable[..., Path]


def program(tmp_path: Path, name: str, body: str) -> None:
    """Put a program of our own where the stand-ins are."""
    path = tmp_path / "programs" / name
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_nothing_there_and_no_process_started(standins: Standins) -> None:
    standins()

    def never(command: object) -> None:
        raise AssertionError(f"started {command}")

    assert find(never) is None
    assert "docker load -i ax_pulsar2_" in missing_remedy()


def test_docker_without_a_daemon_is_not_asked(standins: Standins, monkeypatch: pytest.MonkeyPatch) -> None:
    state = standins("docker")
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("HOME", str(state))
    if Path("/var/run/docker.sock").exists():
        pytest.skip("this machine has a docker daemon")
    assert find() is None
    assert not (state / "calls").exists()


def test_native(standins: Standins, monkeypatch: pytest.MonkeyPatch) -> None:
    standins("pulsar2", "docker")
    monkeypatch.setenv("PULSAR2_STANDIN_VERSION", "6.0")
    toolchain = find()
    assert toolchain is not None
    assert (toolchain.kind, Path(toolchain.program).name, toolchain.version) == ("native", "pulsar2", "6.0 (5ca1ab1e)")
    assert toolchain.image is toolchain.image_id is None


@pytest.mark.parametrize(
    ("images", "newest"),
    [
        ("pulsar2:7.0-lite", "pulsar2:7.0-lite"),
        ("pulsar2:6.0 pulsar2:7.0-lite", "pulsar2:7.0-lite"),
        ("pulsar2:7.0-lite pulsar2:7.0", "pulsar2:7.0"),
        ("pulsar2:9.0 pulsar2:10.0", "pulsar2:10.0"),
        ("pulsar2:1.5-patch1 pulsar2:1.5", "pulsar2:1.5-patch1"),
        ("pulsar2:latest pulsar2:5.2", "pulsar2:5.2"),
        ("pulsar2:20260810-temp-0d4427ff pulsar2:5.2", "pulsar2:5.2"),
        ("pulsar2:latest", "pulsar2:latest"),
        ("localhost/pulsar2:7.0 registry:5000/other:9.0", "localhost/pulsar2:7.0"),
        ("ubuntu:24.04 notpulsar2:9.0 pulsar2:3.4 pulsar2/tools:9.0", "pulsar2:3.4"),
    ],
)
def test_newest_image(standins: Standins, monkeypatch: pytest.MonkeyPatch, images: str, newest: str) -> None:
    standins("docker")
    monkeypatch.setenv("DOCKER_STANDIN_IMAGES", images)
    toolchain = find()
    assert toolchain is not None
    assert (toolchain.kind, toolchain.image, toolchain.version) == ("docker", newest, newest.rpartition(":")[2])
    assert toolchain.image_id is not None
    assert toolchain.image_id.startswith("sha256:")


@pytest.mark.parametrize("images", ["", "ubuntu:24.04 python:3.11"])
def test_an_engine_without_the_image(standins: Standins, monkeypatch: pytest.MonkeyPatch, images: str) -> None:
    standins("docker")
    monkeypatch.setenv("DOCKER_STANDIN_IMAGES", images)
    assert find() is None


def test_podman_alone(standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standins()
    (tmp_path / "programs" / "podman").symlink_to(Path(__file__).parents[3] / "standins" / "docker")
    monkeypatch.delenv("DOCKER_HOST")
    toolchain = find()
    assert toolchain is not None
    assert (toolchain.kind, Path(toolchain.program).name) == ("docker", "podman")


@pytest.mark.parametrize(
    "body",
    ["import sys; sys.exit('Cannot connect to the Docker daemon')", "print('\\x00 nonsense')", "print('version')"],
)
@pytest.mark.parametrize("name", ["docker", "pulsar2"])
def test_a_broken_program_is_as_good_as_none(standins: Standins, tmp_path: Path, name: str, body: str) -> None:
    standins()
    program(tmp_path, name, body)
    assert find() is None


def test_a_program_that_cannot_be_run(standins: Standins, tmp_path: Path) -> None:
    standins()
    (tmp_path / "programs" / "docker").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "programs" / "docker").chmod(0o755)
    assert find() is None


def test_a_program_that_hangs_with_a_child_that_holds_its_output(
    standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins()
    monkeypatch.setattr(container, "_PATIENCE", 0.5)
    program(tmp_path, "docker", "import subprocess; subprocess.run(['/bin/sleep', '60'])")
    began = time.monotonic()
    assert find() is None
    assert time.monotonic() - began < 10


def test_a_broken_native_one_does_not_hide_an_image(standins: Standins, tmp_path: Path) -> None:
    standins("docker")
    program(tmp_path, "pulsar2", "raise SystemExit(1)")
    toolchain = find()
    assert toolchain is not None
    assert toolchain.kind == "docker"


@pytest.mark.parametrize(
    ("wanted", "image"),
    [
        ("5.1", "pulsar2:5.1-patch1"),
        ("7.0-lite", "pulsar2:7.0-lite"),
        ("7.0", "pulsar2:7.0-lite"),
        ("5", None),
        ("6.0", None),
    ],
)
def test_a_version_that_is_asked_for(
    standins: Standins, monkeypatch: pytest.MonkeyPatch, wanted: str, image: str | None
) -> None:
    standins("docker", "pulsar2")
    monkeypatch.setenv("PULSAR2_STANDIN_VERSION", "9.0")
    monkeypatch.setenv("DOCKER_STANDIN_IMAGES", "pulsar2:5.1 pulsar2:5.1-patch1 pulsar2:7.0-lite")
    toolchain = find(version=wanted)
    assert (toolchain and toolchain.image) == image
    native = find(version="9.0")
    assert native is not None
    assert native.kind == "native"
