"""Attention for some queries at a time."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

from recipebuild.toolkit.graph.passes.faster import tile_attention

ATTENTION = """(float[Q,64] x, float[K,64,100] k, float[K,100,64] v) => (float[Q,64] y) {
    keys = Abs (k)
    s = MatMul (x, keys)
    p = Softmax <axis = -1> (s)
    y = MatMul (p, v)
}"""


@pytest.mark.parametrize(("queries", "keys", "scores"), [("1,2,12", "1,2", 2400), ("1,6,10", "1,1", 6000)])
def test_it_is_cut_until_the_scores_fit(queries: str, keys: str, scores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_attention, "TILE_BYTES", 4 * scores // 3)
    change = outcome(graph(ATTENTION.replace("Q", queries).replace("K", keys)), "tile_attention")
    assert change.before == {"Abs": 1, "MatMul": 2, "Softmax": 1}
    tiles = change.after["Softmax"]
    assert tiles == 3
    assert change.after == {"MatMul": 2 * tiles, "Softmax": tiles, "Abs": 1, "Split": 1, "Concat": 1}
    assert change.error < 1e-6


def test_small_scores_are_left_alone() -> None:
    change = outcome(graph(ATTENTION.replace("Q", "1,2,12").replace("K", "1,2")), "tile_attention")
    assert change.after == change.before


@pytest.mark.parametrize(
    ("queries", "size", "reason"),
    [
        ("1,2,12", 10 * 2**20, "the scores fit in the cache"),
        ("1,2,12", 4 * 2 * 12 * 100, "the scores fit in the cache"),
        ("1,2,67", 4 * 2 * 67 * 50, "the queries do not divide into even tiles"),
    ],
)
def test_the_guard_says_why_not(queries: str, size: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_attention, "TILE_BYTES", size)
    model = graph(ATTENTION.replace("Q", queries).replace("K", "1,2"))
    assert refusals(model, "tile_attention") == {reason: 1}
