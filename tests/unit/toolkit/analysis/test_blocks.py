"""Layers in blocks."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.analysis.blocks import NetworkBlock, blocks, opened

TEXT = """(float[1,4,8] x, float[8,8] small, float[8,64] up, float[64,8] down) => (float[1,4,8] y) {
[q] q = MatMul(x, small) [soft] s = Softmax(q) [o] o = MatMul(s, small)
[up] u = MatMul(o, up) [gelu] g = Gelu(u) [down] d = MatMul(g, down)
[turn] t = Transpose<perm = [0, 1, 2]>(d) [sum] y = Add(t, x) }"""
MODULES = {
    "q": "net.layer.0.attention.query", "soft": "net.layer.0.attention", "o": "net.layer.0.attention.output",
    "up": "net.layer.0.mlp.fc1", "gelu": "net.layer.0.mlp", "down": "net.layer.0.mlp.fc2", "turn": "net.layer.0",
    "sum": "net.layer.0",
}  # fmt: skip


@pytest.fixture
def model() -> onnx.ModelProto:
    return graph(TEXT)


def test_a_network_is_opened_where_its_modules_part(model: onnx.ModelProto) -> None:
    parts = blocks(model, MODULES, at_most=3)
    assert [(block.name, block.layers) for block in parts] == [
        ("net.layer.0.attention", ("q", "soft", "o")),
        ("net.layer.0.mlp", ("up", "gelu", "down")),
        ("net.layer.0 (rest)", ("sum",)),
    ]
    assert [block.share for block in parts] == pytest.approx([1 / 9, 8 / 9, 0])


def test_the_part_with_most_multiply_adds_is_opened_first(model: onnx.ModelProto) -> None:
    parts = blocks(model, MODULES, at_most=5)
    assert [block.name for block in parts][:4] == [
        "net.layer.0.attention", "net.layer.0.mlp.fc1", "net.layer.0.mlp (rest)", "net.layer.0.mlp.fc2",
    ]  # fmt: skip


def test_only_whole_modules_are_selected_by_module(model: onnx.ModelProto) -> None:
    by_name = {block.name: block.module for block in blocks(model, MODULES, at_most=3)}
    assert by_name == {
        "net.layer.0.attention": "net.layer.0.attention", "net.layer.0.mlp": "net.layer.0.mlp",
        "net.layer.0 (rest)": None,
    }  # fmt: skip


@pytest.mark.parametrize("at_most", range(1, 10))
def test_each_layer_that_computes_is_in_one_block(model: onnx.ModelProto, at_most: int) -> None:
    for modules in (MODULES, {}, {"up": "net.mlp"}):
        parts = blocks(model, modules, at_most)
        assert sorted(layer for block in parts for layer in block.layers) == sorted(MODULES.keys() - {"turn"})
        assert len(parts) <= at_most
        assert sum(block.share for block in parts) == pytest.approx(1)


@pytest.mark.parametrize("modules", [MODULES, {}, {"up": "net.mlp"}])
def test_opening_ends_at_single_layers(model: onnx.ModelProto, modules: dict[str, str]) -> None:
    open_ = blocks(model, modules, at_most=1)
    single: list[NetworkBlock] = []
    while open_:
        block = open_.pop()
        parts = opened(block)
        assert ([layer for part in parts for layer in part.layers] != [] and len(parts) > 1) or parts == [block]
        assert sorted(layer for part in parts for layer in part.layers) == sorted(block.layers)
        (single if parts == [block] else open_).extend(parts)
    assert sorted(part.layers for part in single) == sorted((name,) for name in MODULES if name != "turn")
