"""Kinds of tokens: which tensors have them, what is promised and tried, the same function in parts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.equalize.equalize import Equalized, equalize
from recipebuild.toolkit.equalize.parts import in_parts
from recipebuild.toolkit.equalize.statistics import Measured
from recipebuild.toolkit.equalize.tokens import Norm, differ, ends, gains, kinds, run_of, window
from recipebuild.toolkit.graph.layers import resolve
from recipebuild.toolkit.quantize.probe import Probe
from recipebuild.toolkit.quantize.view import view

# Six patches, a class token before them, positions, two registers in between; a block, the class token's features and
# the mean of the patches'.
BLOCK = """(float[1,6,8] x, float[1,1,8] cls, float[1,7,8] positions, float[1,2,8] registers, float[8] gain,
    float[8] shift, float[8,8] w, float[8] b, int64[1] zero, int64[1] one, int64[1] three, int64[1] many, int64 first)
    => (float[1,8] class, float[1,8] patches) {
    tokens = Concat<axis = 1>(cls, x)
    placed = Add(tokens, positions)
    head = Slice(placed, zero, one, one, one)
    tail = Slice(placed, one, many, one, one)
    r = Concat<axis = 1>(head, registers, tail)
    n = LayerNormalization(r, gain, shift)
    t = Transpose<perm = [0, 2, 1]>(n)
    scores = MatMul(n, t)
    mixed = MatMul(scores, n)
    f = MatMul(mixed, w)
    fb = Add(f, b)
    r2 = Add(fb, r)
    last = LayerNormalization(r2, gain, shift)
    class = Gather<axis = 1>(last, first)
    rest = Slice(last, three, many, one, one)
    patches = ReduceMean<keepdims = 0>(rest, one)
}"""
KINDS = (1, 2, 6)


def block(massive: float = 300.0, into_f: float = 0.0) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    cls, registers = rng.normal(size=(1, 1, 8)), rng.normal(size=(1, 2, 8))
    cls[..., 2] += massive
    registers[..., 2] -= massive
    model = graph(
        BLOCK, cls=cls, registers=registers, positions=0.1 * rng.normal(size=(1, 7, 8)), gain=np.ones(8),
        shift=0.1 * np.ones(8), w=0.01 * rng.normal(size=(8, 8)), b=into_f + rng.normal(size=8),
        zero=[0], one=[1], three=[3], many=[2**31 - 1], first=0,
    )  # fmt: skip
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def pictures() -> list[Any]:
    return [np.random.default_rng(seed).normal(size=(1, 6, 8)).astype(np.float32) for seed in range(3)]


def outputs(model: onnx.ModelProto) -> list[Any]:
    return Probe(model, {}, [value.name for value in model.graph.output])(pictures()[0])


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def done(model: onnx.ModelProto) -> Equalized:
    result = equalize(model, [], pictures(), tokens=True)
    onnx.checker.check_model(result.model, full_check=True)
    return result


def test_kinds_follow_from_what_is_joined_and_from_what_is_added_to_it() -> None:
    by_name = kinds(block())
    assert by_name["tokens"] == by_name["placed"] == (1, 6)
    assert {name for name, own in by_name.items() if own == KINDS} == {"r", "n", "mixed", "f", "fb", "r2", "last"}
    assert "scores" not in by_name and "rest" not in by_name  # of all tokens with each other; of one kind


def test_the_range_of_a_kind_is_that_of_its_tokens_and_has_0_in_it() -> None:
    low, high = np.array([-400.0, 1.0, -2.0, -3.0]), np.array([300.0, 5.0, 4.0, -1.0])
    measured = Measured(low, high, low, high)
    assert ends(measured, (1, 3)) == [(-400.0, 300.0), (-3.0, 5.0)]
    assert ends(measured, (1, 1, 1, 1))[1::2] == [(0.0, 5.0), (-3.0, 0.0)]


@pytest.mark.parametrize(("small", "apart"), [(100.0, True), (101.0, False), (0.0, False)])
def test_kinds_are_kept_apart_from_three_bits_on(small: float, apart: bool) -> None:
    assert differ([(-400.0, 400.0), (0.0, small)]) is apart


def test_the_promise_is_the_noise_of_one_range_over_that_of_each_kind() -> None:
    # One token over 80 and three over 8: 4 x 80^2 / (1 x 80^2 + 3 x 8^2) = 25600 / 6592 = 3.8835.
    values = np.random.default_rng(1).uniform(-4, 4, (1, 4, 4096)).astype(np.float32)
    values[:, 0] *= 10
    predicted, tried = gains(values, (1, 3), [(-40.0, 40.0), (-4.0, 4.0)])
    assert predicted == pytest.approx(10 * np.log10(3.8835), abs=1e-3)
    assert tried == pytest.approx(predicted, abs=0.2)


def test_what_a_norm_makes_of_a_tensor_wins_more_than_the_tensor() -> None:
    # A norm divides massive tokens by their deviation, so their noise counts for little behind it.
    values = np.random.default_rng(1).uniform(-4, 4, (1, 4, 64)).astype(np.float32)
    values[:, 0] *= 100
    norm = Norm(np.ones(64), 0.0, 1e-6)
    assert gains(values, (1, 3), [(-400.0, 400.0), (-4.0, 4.0)], norm)[1] > 20


def test_a_norm_by_hand() -> None:
    norm = Norm(np.array([2.0, 4.0]), np.array([10.0, 20.0]), 0.0)
    np.testing.assert_allclose(norm(np.array([[1.0, 3.0]])), [[8.0, 24.0]])  # (x - 2) / 1 is -1 and 1


@pytest.mark.parametrize(("run", "expected"), [((0, 1), (0, 1)), ((3, 9), (2, 3)), ((0, 9), (0, 3)), ((1, 4), None)])
def test_runs_of_tokens_are_kinds_if_they_begin_and_end_with_them(
    run: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    assert run_of(KINDS, *run) == (slice(*expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Slice(x, two, far, one, one)", (2, 9)),
        ("Slice(x, last, far, one, one)", (8, 9)),
        ("Slice(x, two, last, one)", (2, 8)),
        ("Slice(x, two, far, one, two)", None),  # every other token
        ("Slice(x, one, two, two, one)", None),  # channels
        ("Slice(x, last, two, one, one)", None),  # nothing
        ("Gather<axis = 1>(x, last)", (8, 9)),
        ("Gather<axis = 2>(x, one)", None),
        ("Gather<axis = 1>(x, several)", None),
        ("Add(x, x)", None),
    ],
)
def test_which_tokens_a_slice_takes(text: str, expected: tuple[int, int] | None) -> None:
    integers = {name: np.array(held) for name, held in
                {"one": [1], "two": [2], "last": [-1], "far": [2**31 - 1], "several": [0, 3]}.items()}  # fmt: skip
    (node,) = graph(f"(float[1,9,8] x) => (float y) {{ y = {text} }}").graph.node
    assert window(node, integers, 9) == expected


def test_each_kind_has_tensors_of_its_own_and_the_function_stays() -> None:
    model = block()
    result = done(model)
    assert result.relative <= 1e-5
    for before, after in zip(outputs(model), outputs(result.model), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)
    assert [site.tensor for site in result.sites] == ["tokens", "placed", "r", "r2"]
    assert all(site.measured > 5 for site in result.sites)
    # What the norm behind r gives is joined. Class token and registers are constants up to there.
    assert operators(result.model) == Counter(
        Add=1 + 1 + 3, Concat=1, Slice=3, LayerNormalization=1 + 3, MatMul=3, Transpose=1, Gather=1, ReduceMean=1
    )
    (joined,) = [node for node in result.model.graph.node if node.op_type == "Concat"]
    assert joined.output[0] == "n" and len(joined.input) == 3
    (before,), (after,) = (Probe(each, {}, ["n"])(pictures()[0]) for each in (model, result.model))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


def test_no_tensor_of_the_result_has_kinds_that_differ() -> None:
    result = done(block())
    assert "r2" not in view(result.model).shapes
    again = equalize(result.model, [], pictures(), tokens=True)
    assert again.model is result.model


def test_a_linear_layer_is_applied_to_each_kind_where_what_it_gives_differs() -> None:
    model = block()
    kept = kinds(model)
    split = in_parts(model, kept, ["f", "fb", "r2"])
    assert operators(split)["MatMul"] == operators(model)["MatMul"] + 2
    for before, after in zip(outputs(model), outputs(split), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


def test_an_output_that_is_in_parts_is_joined_under_its_name() -> None:
    model = block()
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info("r2", onnx.TensorProto.FLOAT, (1, 9, 8)))
    model.graph.output.append(onnx.helper.make_tensor_value_info("head", onnx.TensorProto.FLOAT, (1, 1, 8)))
    split = in_parts(model, kinds(model), ["tokens", "placed", "r", "r2"])
    onnx.checker.check_model(split, full_check=True)
    for before, after in zip(outputs(model), outputs(split), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


def test_parts_and_what_joins_them_lie_in_the_module_that_they_come_from() -> None:
    model = block()
    for node in model.graph.node:
        node.name = f"block.0/{node.output[0]}"
        scopes = ["block.0", f"block.0.{node.output[0]}", "operation"]
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(scopes))
    split = in_parts(model, kinds(model), ["tokens", "placed", "r", "r2"])
    norms = [node for node in split.graph.node if node.name.startswith("block.0/n")]
    assert [node.op_type for node in norms] == ["LayerNormalization", "Concat"]
    (layers,) = resolve([{"module": ["block.0.n"], "data_type": "U16"}], split)
    assert layers["layer_names"] == [node.name for node in norms]


def test_nothing_apart_changes_nothing() -> None:
    model = block()
    assert list(in_parts(model, kinds(model), []).graph.node) == list(model.graph.node)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (block(massive=0.0), "the ranges of kinds differ by less than 8"),
        (graph("(float[1,6,8] x) => (float[1,6,8] y) { y = Relu(x) }"),
         "no LayerNormalization takes tokens of several kinds"),
    ],
)  # fmt: skip
def test_what_is_no_place_for_it_is_left_with_the_reason(model: onnx.ModelProto, reason: str) -> None:
    result = done(model)
    assert result.model is model
    assert dict(result.refused) == {("tokens", reason): 1}


def test_what_changes_the_function_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipebuild.toolkit.equalize.same.RELATIVE", -1.0)
    model = block()
    result = equalize(model, [], pictures(), tokens=True)
    assert result.model is model
    assert result.sites == ()
    assert result.rolled_back == ("tokens", "placed", "r", "r2")
