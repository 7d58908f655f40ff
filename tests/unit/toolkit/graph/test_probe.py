"""The image that graphs are compared on."""

from __future__ import annotations

import numpy as np
from support.graphs import graph

from recipebuild.toolkit.graph.probe import probe, rows_named_by


def test_it_has_the_statistics_of_a_normalized_photograph() -> None:
    image = probe((2, 3, 64, 96), "float32")
    assert image.dtype == np.float32 and image.shape == (2, 3, 64, 96)
    np.testing.assert_allclose(image.mean((2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(image.std((2, 3)), 1, rtol=1e-5)
    neighbours = np.corrcoef(image[0, 0, :, 1:].ravel(), image[0, 0, :, :-1].ravel())[0, 1]
    assert neighbours > 0.7


def test_it_is_the_same_each_time_and_differs_by_channel() -> None:
    np.testing.assert_array_equal(probe((1, 3, 8, 8), "float32"), probe((1, 3, 8, 8), "float32"))
    assert not np.array_equal(*probe((1, 2, 8, 8), "float32")[0])


def test_bytes_are_spread_over_their_range() -> None:
    image = probe((1, 3, 32, 32), "uint8")
    assert image.dtype == np.uint8
    assert 20 < image.std() < 80 and 100 < image.mean() < 156


def test_ids_name_rows_of_the_smallest_table_that_they_pick_from() -> None:
    model = graph(
        """(int32[1,4] x, float[20,3] words, float[3,30] turned, float[9,3] others, int64[2] two)
            => (float[1,4,3] y, float[3,1,4] z, float[2,3] w) {
            ids = Cast<to = 7>(x)
            y = Gather(words, ids)
            z = Gather<axis = 1>(turned, x)
            w = Gather(others, two)
        }"""
    )
    assert rows_named_by(model, "x") == 20
    assert rows_named_by(graph("(int32[1,4] x) => (int32[1,4] y) { y = Add(x, x) }"), "x") is None
