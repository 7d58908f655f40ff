"""ONNX files as models: same bytes, or external data under one expected name."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.errors import StepError
from recipebuild.models.onnx_source import copy_onnx


def write_model(path: Path, **options: object) -> None:
    """Y = X + (weight of 4096 floats), saved with the ``options`` of onnx.save_model."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.arange(4096, dtype=np.float32), "weight")
    bias = numpy_helper.from_array(np.ones(4096, dtype=np.float32), "bias")
    nodes = [helper.make_node("Add", ["x", "weight"], ["h"]), helper.make_node("Add", ["h", "bias"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4096]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, path, **options)


def test_a_model_in_one_file_keeps_its_bytes(tmp_path: Path) -> None:
    write_model(tmp_path / "net.onnx")
    copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == (tmp_path / "net.onnx").read_bytes()
    assert not (tmp_path / "model.onnx.data").exists()


@pytest.mark.parametrize("location", ["net.onnx.data", "net.onnx_data"])
def test_external_data_comes_along_under_the_expected_name(location: str, tmp_path: Path) -> None:
    import numpy as np
    import onnxruntime

    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    write_model(source / "net.onnx", save_as_external_data=True, location=location)
    copy_onnx(source / "net.onnx", out / "model.onnx")
    assert {path.name for path in out.iterdir()} == {"model.onnx", "model.onnx.data"}
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.zeros(4096, dtype=np.float32)})
    assert np.array_equal(y, np.arange(4096, dtype=np.float32) + 1)


@pytest.mark.parametrize("location", ["weights.bin", None], ids=["another name", "a file per tensor"])
def test_data_that_is_not_named_after_the_model_is_refused_with_the_way_out(location: str, tmp_path: Path) -> None:
    one_file = location is not None
    write_model(tmp_path / "net.onnx", save_as_external_data=True, all_tensors_to_one_file=one_file, location=location)
    with pytest.raises(StepError, match="not in a file named after it") as caught:
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert "location='m.onnx.data'" in caught.value.remedy


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    for content in (b"", b"not protobuf \xff\xff\xff", b"<html></html>"):
        (tmp_path / "net.onnx").write_bytes(content)
        with pytest.raises(StepError, match=r"model\.source: .*net\.onnx is not an ONNX model"):
            copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    write_model(tmp_path / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    (tmp_path / "net.onnx.data").unlink()
    with pytest.raises(StepError, match=r"external data of .*net\.onnx cannot be read"):
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")


def test_external_data_cut_short_is_named(tmp_path: Path) -> None:
    write_model(tmp_path / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    data = tmp_path / "net.onnx.data"
    data.write_bytes(data.read_bytes()[:-8])
    with pytest.raises(StepError, match="external data"):
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd"])
def test_external_data_outside_the_folder_is_refused(location: str, tmp_path: Path) -> None:
    import onnx

    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(64 * 1024))
    write_model(folder / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    model = onnx.load(folder / "net.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    onnx.save_model(model, folder / "net.onnx")
    with pytest.raises(StepError, match="external data"):
        copy_onnx(folder / "net.onnx", tmp_path / "model.onnx")


def test_a_link_as_external_data_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_model(folder / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    (folder / "net.onnx.data").rename(tmp_path / "elsewhere.bin")
    (folder / "net.onnx.data").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(StepError, match="external data"):
        copy_onnx(folder / "net.onnx", tmp_path / "model.onnx")
