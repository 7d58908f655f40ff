"""What went into a bundle, by digest."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from recipebuild.toolkit.bundle import provenance


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_folder_of_weights_is_named_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "config.json").write_bytes(b"{}")
    (tmp_path / "model" / "sub" / "w.safetensors").write_bytes(b"w")
    assert provenance.files(tmp_path / "model", "weights") == [
        {"name": "weights/config.json", "digest": {"sha256": sha256(b"{}")}},
        {"name": "weights/sub/w.safetensors", "digest": {"sha256": sha256(b"w")}},
    ]


def test_a_model_file_brings_its_external_data(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.onnx_data", "other.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    named = [one["name"] for one in provenance.files(tmp_path / "model.onnx", "weights")]
    assert named == ["weights/model.onnx", "weights/model.onnx_data"]


def test_each_calibration_image_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "c.tar", "w") as archive:
        for name in ("a.jpg", "b.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))
    assert provenance.images(tmp_path / "c.tar") == [
        {"name": "calibration/a.jpg", "digest": {"sha256": sha256(b"a.jpg")}},
        {"name": "calibration/b.jpg", "digest": {"sha256": sha256(b"b.jpg")}},
    ]


def test_the_toolchains_image_is_named_by_its_id() -> None:
    dependencies = provenance.toolchain("pulsar2", {"pulsar2": "7.0-lite", "image": "sha256:abc"})
    assert dependencies == [{"name": "toolchain/pulsar2", "digest": {"sha256": "abc"}}]
    assert provenance.toolchain("pulsar2", {"pulsar2": "7.0", "image": ""}) == []
    assert provenance.toolchain("onnxruntime", {}) == []


def test_packages_are_named_by_their_url() -> None:
    assert provenance.distributions({"torch": "2.13.0", "onnx": "1.23.2"}) == [
        {"uri": "pkg:pypi/onnx@1.23.2"},
        {"uri": "pkg:pypi/torch@2.13.0"},
    ]
