"""Layers in blocks."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import graph

from recipebuild.analysis.blocks import blocks

TEXT = """(float[1,4,8] x, float[8,8] small, float[8,64] up, float[64,8] down) => (float[1,4,8] y) {
[q] q = MatMul(x, small) [soft] s = Softmax(q) [o] o = MatMul(s, small)
[up] u = MatMul(o, up) [gelu] g = Gelu(u) [down] d = MatMul(g, down) [sum] y = Add(d, x) }"""
MODULES = {
    "q": "net.layer.0.attention.query", "soft": "net.layer.0.attention", "o": "net.layer.0.attention.output",
    "up": "net.layer.0.mlp.fc1", "gelu": "net.layer.0.mlp", "down": "net.layer.0.mlp.fc2", "sum": "net.layer.0",
}  # fmt: skip


@pytest.fixture
def model() -> onnx.ModelProto:
    return graph(TEXT)


def test_the_modules_with_most_multiply_adds_are_opened_first(model: onnx.ModelProto) -> None:
    found = blocks(model, MODULES, at_most=3)
    assert [(it.name, it.layers) for it in found] == [
        ("net.layer.0.attention", ("q", "soft", "o")),
        ("net.layer.0.mlp", ("up", "gelu", "down")),
        ("net.layer.0 (rest)", ("sum",)),
    ]
    assert [it.multiply_adds for it in found] == [2 * 4 * 8 * 8, 2 * 4 * 8 * 64, 0]
    assert [it.share for it in found] == pytest.approx([1 / 9, 8 / 9, 0])


def test_more_blocks_are_finer_ones(model: onnx.ModelProto) -> None:
    found = blocks(model, MODULES, at_most=5)
    assert [it.name for it in found][1:4] == ["net.layer.0.mlp.fc1", "net.layer.0.mlp (rest)", "net.layer.0.mlp.fc2"]


def test_only_whole_modules_are_selected_by_module(model: onnx.ModelProto) -> None:
    by_name = {it.name: it.module for it in blocks(model, MODULES, at_most=3)}
    assert by_name == {
        "net.layer.0.attention": "net.layer.0.attention", "net.layer.0.mlp": "net.layer.0.mlp",
        "net.layer.0 (rest)": None,
    }  # fmt: skip


@pytest.mark.parametrize("at_most", range(1, 10))
def test_each_layer_is_in_one_block_and_there_are_not_too_many(model: onnx.ModelProto, at_most: int) -> None:
    for modules in (MODULES, {}, {"up": "net.mlp"}):
        found = blocks(model, modules, at_most)
        assert sorted(layer for it in found for layer in it.layers) == sorted(MODULES)
        assert len(found) <= at_most
        assert sum(it.share for it in found) == pytest.approx(1)


def test_without_modules_each_layer_is_a_block(model: onnx.ModelProto) -> None:
    assert [it.layers for it in blocks(model, {})] == [
        ("q",),
        ("soft",),
        ("o",),
        ("up",),
        ("gelu",),
        ("down",),
        ("sum",),
    ]
