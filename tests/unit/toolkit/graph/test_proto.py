"""Models written tensor by tensor, and copies without weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.toolkit.graph.proto import bare, write


def of_sizes(*sizes: int) -> bytes:
    """A model, serialized by protobuf, with a stored tensor of each of these numbers of elements."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    stored = [numpy_helper.from_array(np.arange(size, dtype=np.float32), f"w{size}") for size in sizes]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"], "neg")], "g", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="me")
    model.metadata_props.add(key="a", value="b")
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("sizes", [(), (1,), (25, 26, 27, 28, 29, 30, 31, 32), (4060, 4090, 5000, 600_000)])
def test_what_is_written_is_the_model(sizes: tuple[int, ...], tmp_path: Path) -> None:
    import onnx

    model = onnx.load_from_string(of_sizes(*sizes))
    write(model, tmp_path / "a.onnx")
    write(model, tmp_path / "b.onnx")
    assert onnx.load(tmp_path / "a.onnx") == onnx.load_from_string(of_sizes(*sizes)) == model
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert (tmp_path / "a.onnx").stat().st_size == len(of_sizes(*sizes))


def test_no_second_copy_of_the_weights_is_made(tmp_path: Path) -> None:
    import tracemalloc

    import onnx

    model = onnx.load_from_string(of_sizes(*range(500_000, 500_020)))  # 40 MB
    tracemalloc.start()
    try:
        write(model, tmp_path / "model.onnx")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_bare_copy_keeps_small_values_and_all_shapes() -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(of_sizes(4, 1000))
    small, large = bare(model).graph.initializer
    assert numpy_helper.to_array(small).tolist() == [0, 1, 2, 3]
    assert (large.name, large.data_type, large.dims, large.raw_data) == ("w1000", 1, [1000], b"")
    assert len(model.graph.initializer[1].raw_data) == 4000
    assert bare(model).metadata_props == model.metadata_props
