"""Devices on a machine that has an NVIDIA GPU: nothing stands in for one here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.device import resolve, using
from recipebuild.toolkit.evaluate.runners import open_model

if TYPE_CHECKING:
    import torch

MEGABYTE = 1 << 20


@pytest.fixture
def cuda() -> str:
    """The first GPU; skips where there is none."""
    name, note = resolve("cuda")
    if name == "cpu":
        pytest.skip(note)
    return name


@pytest.fixture
def widening(tmp_path: Path) -> Path:
    """A model whose inner values take 1,024 times the memory of its input, float32 ``[N]``: the largest of them."""
    from onnx import TensorProto, helper, save

    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])]
    ends += [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    times = helper.make_tensor("times", TensorProto.INT64, [1], [1024])
    nodes = [
        helper.make_node("Tile", ["x", "times"], ["wide"]),
        helper.make_node("Abs", ["wide"], ["size"]),
        helper.make_node("ReduceMax", ["size"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "widening", ends[:1], ends[1:], [times])
    path = tmp_path / "widening.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def fill(name: str) -> torch.Tensor:
    """Take the memory of a GPU but for 64 MB."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("PyTorch, which fills the GPU's memory here, is built without CUDA")
    free, _ = torch.cuda.mem_get_info(name)
    return torch.empty(free - 64 * MEGABYTE, dtype=torch.uint8, device=name)


def test_a_gpu_that_is_full_leaves_what_is_left_to_the_cpu(cuda: str, widening: Path) -> None:
    few, many = np.ones(16, np.float32), np.ones(MEGABYTE // 4, np.float32)
    with using(cuda) as device:
        model = open_model(widening)
        assert model.session.run(None, {"x": few})[0].item() == 1 and not device.warnings
        taken = fill(cuda)
        assert model.session.run(None, {"x": many})[0].item() == 1
        assert model.session.run(None, {"x": few})[0].item() == 1
        del taken
    assert device.warnings == [f"RB509 {cuda}: its memory was used up; what was left ran on the CPU"]
