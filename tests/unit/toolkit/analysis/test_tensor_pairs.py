"""Which tensor stands for which."""

from __future__ import annotations

from recipebuild.toolkit.analysis.tensor_pairs import Twin, find_twins


def test_a_tensor_is_what_the_layers_behind_it_take(make_pair) -> None:
    pair = make_pair()
    twins = find_twins(pair.model, pair.quantized)
    assert twins["x"] == Twin("x", "x", "x", "dx")


def test_a_graph_output_that_is_quantized_keeps_its_name(make_pair) -> None:
    pair = make_pair()
    assert find_twins(pair.model, pair.quantized)["y"] == Twin("y", "y", "y_in", "y")


def test_what_the_quantizer_left_out_a_relu_behind_means_the_values_after_it(make_pair) -> None:
    pair = make_pair()
    twins = find_twins(pair.model, pair.quantized)
    assert twins["a"] == Twin("a", "b", "a", "da")
    assert "b" not in twins


def test_a_model_and_itself_are_twins_throughout(make_pair) -> None:
    model = make_pair().model
    assert find_twins(model, model) == {name: Twin(name, name, name, name) for name in "xaby"}
