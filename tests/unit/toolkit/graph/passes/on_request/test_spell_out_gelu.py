"""Gelu in elementary operators."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

from recipebuild.toolkit.graph.passes import defaults

TEXT = '(float[2,5,8] x) => (float[2,5,8] y) {{ y = Gelu <approximate = "{}"> (x) }}'
WITH_ERF = {"Mul": 3, "Erf": 1, "Add": 1}


@pytest.mark.parametrize(("approximate", "after"), [("none", WITH_ERF), ("tanh", {"Mul": 6, "Tanh": 1, "Add": 2})])
def test_one_operator_becomes_its_definition(approximate: str, after: dict[str, int]) -> None:
    change = outcome(graph(TEXT.format(approximate)), "spell_out_gelu")
    assert change.before == {"Gelu": 1}
    assert change.after == after
    assert change.error < 1e-6


def test_it_has_the_last_word_over_the_fusion_that_is_the_way_back() -> None:
    change = outcome(graph(TEXT.format("none")), *defaults("AX650"), "spell_out_gelu")
    assert change.after == WITH_ERF
    again = outcome(change.model, *defaults("AX650"))
    assert again.after == {"Gelu": 1}
    assert again.error < 1e-6


def test_other_activations_stay() -> None:
    change = outcome(graph("(float[2,8] x) => (float[2,8] y) { y = Erf (x) }"), "spell_out_gelu")
    assert change.after == {"Erf": 1}


def test_of_unknown_shape_it_stays() -> None:
    model = graph("(float[N,8] x) => (float[N,8] y) { y = Gelu (x) }")
    assert refusals(model, "spell_out_gelu") == {"the shape of Gelu is not known": 1}
