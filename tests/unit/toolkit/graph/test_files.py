"""ONNX files: what is saved is what is loaded, in one or two files, and what is broken is named."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.graph import files


@pytest.fixture
def in_two_files(small_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose weights are external data, as they would be above 2 GiB."""
    monkeypatch.setattr(files, "EXTERNAL_DATA_OVER", 1000)
    (tmp_path / "large").mkdir()
    path = tmp_path / "large" / "model.onnx"
    model = files.load(small_onnx)
    files.save(model, path)
    return path


def test_a_saved_model_is_the_loaded_one(small_onnx: Path, tmp_path: Path) -> None:
    model = files.load(small_onnx)
    files.save(model, tmp_path / "again.onnx")
    assert files.load(tmp_path / "again.onnx") == onnx.load(small_onnx)
    assert files.size(tmp_path / "again.onnx") == (tmp_path / "again.onnx").stat().st_size


def test_saving_drops_what_tells_of_the_machine_and_keeps_module_names(small_onnx: Path, tmp_path: Path) -> None:
    model = files.load(small_onnx)
    model.doc_string = model.graph.node[1].doc_string = model.graph.input[0].doc_string = "/home/someone/model.py"
    model.graph.node[0].metadata_props.add(key="pkg.torch.onnx.stack_trace", value="/home/someone/model.py, line 1")
    files.save(model, tmp_path / "clean.onnx")
    assert b"someone" not in (tmp_path / "clean.onnx").read_bytes()
    assert files.load(tmp_path / "clean.onnx") == onnx.load(small_onnx)


def test_a_large_model_goes_to_two_files_and_comes_back(in_two_files: Path, small_onnx: Path) -> None:
    data = in_two_files.with_name("model.onnx.data")
    assert data.stat().st_size >= 6 * 3 * 4 * 4 * 4
    assert files.size(in_two_files) == in_two_files.stat().st_size + data.stat().st_size
    files.check(in_two_files)
    assert files.load(in_two_files) == onnx.load(small_onnx)


def test_a_large_model_has_the_same_bytes_in_another_folder(in_two_files: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    files.save(files.load(in_two_files), tmp_path / "elsewhere" / "model.onnx")
    for name in ("model.onnx", "model.onnx.data"):
        assert (tmp_path / "elsewhere" / name).read_bytes() == in_two_files.with_name(name).read_bytes()


def test_external_data_is_read_through_hard_links(in_two_files: Path, small_onnx: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("model.onnx", "model.onnx.data"):
        os.link(in_two_files.with_name(name), tmp_path / "in" / name)
    assert files.load(tmp_path / "in" / "model.onnx") == onnx.load(small_onnx)


def test_weights_can_stay_on_disk(in_two_files: Path) -> None:
    model = files.load(in_two_files, weights=False)
    assert [len(tensor.raw_data) for tensor in model.graph.initializer if tensor.name == "weight"] == [0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"", "no nodes"),
        (b"this is not protobuf", "not an ONNX model"),
        ("half", "not an ONNX model, or is cut short"),
    ],
)
def test_a_broken_file_is_named(small_onnx: Path, tmp_path: Path, content: bytes | str | None, says: str) -> None:
    path = tmp_path / "broken.onnx"
    if content is not None:
        whole = small_onnx.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(StepError, match=r"broken\.onnx.*" + says):
        files.load(path)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize(("keep", "says"), [(None, "is missing"), (300, "is cut short")])
def test_broken_external_data_is_named(in_two_files: Path, weights: bool, keep: int | None, says: str) -> None:
    data = in_two_files.with_name("model.onnx.data")
    if keep is None:
        data.unlink()
    else:
        data.write_bytes(data.read_bytes()[:keep])
    with pytest.raises(StepError, match=rf"model\.onnx\.data, {says}"):
        files.load(in_two_files, weights=weights)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link"])
def test_external_data_outside_the_models_folder_is_refused(in_two_files: Path, location: str) -> None:
    (in_two_files.parent.parent / "secret").write_bytes(b"0" * 5000)
    in_two_files.with_name("link").symlink_to(in_two_files.parent.parent / "secret")
    model = onnx.load(in_two_files, load_external_data=False)
    entry = next(e for t in model.graph.initializer for e in t.external_data if e.key == "location")
    entry.value = location
    in_two_files.write_bytes(model.SerializeToString())
    with pytest.raises(StepError, match="outside its folder"):
        files.load(in_two_files)


def test_the_check_refuses_what_is_not_onnx(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.graph.node[5].input[0] = "nowhere"
    files.save(model, small_onnx)
    with pytest.raises(StepError, match=r"small\.onnx is not valid ONNX"):
        files.check(small_onnx)
