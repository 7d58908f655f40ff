"""Outputs whose axes Pulsar2 gives in another order."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.output_order import as_computed, axes_of


@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (0, 3, 1, 2), (3, 0, 1, 2), (0, 1, 2, 3)])
def test_they_are_put_back(axes: tuple[int, ...]) -> None:
    values = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(as_computed(values.transpose(axes), axes), values)


def test_what_is_of_another_rank_stays_as_it_is() -> None:
    values = np.zeros((1, 5))
    assert as_computed(values, (0, 2, 3, 1)) is values and as_computed(values, ()) is values


def test_default_stands_for_all_outputs() -> None:
    assert axes_of("a", {"a": (1, 0), "DEFAULT": (0, 1)}) == (1, 0)
    assert axes_of("b", {"DEFAULT": (0, 1)}) == (0, 1) and axes_of("b", {"a": (1, 0)}) == ()
