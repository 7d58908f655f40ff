"""What blocks lose by 8 bits."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.analysis.blocks import NetworkBlock, NetworkLayer
from recipebuild.toolkit.analysis.compared import compared
from recipebuild.toolkit.analysis.sensitivity import Sensitivities, Switchboard, sensitivity
from recipebuild.toolkit.analysis.tensor_pairs import find_twins

ONE = NetworkBlock("one", "one", (NetworkLayer("first", "one", 0.5), NetworkLayer("bend", "one", 0.0)))
TWO = NetworkBlock("two", "two", (NetworkLayer("second", "two", 0.5),))
WHOLE = NetworkBlock("(all)", None, (*ONE.members, *TWO.members))


def board(pair) -> Switchboard:
    twins = find_twins(pair.model, pair.quantized)
    return Switchboard(pair.model, pair.quantized, twins, compared(pair.model, twins, 1), iter(pair.images))


def measure(pair) -> Sensitivities:
    return sensitivity(board(pair), [ONE, TWO], at_most=2)


def test_all_blocks_quantized_is_the_model_as_it_is(make_pair) -> None:
    pair = make_pair(a=0.3)
    measured = measure(pair)
    right = [pair.float(x)["y"] for x in pair.images]
    got = [pair.end_to_end(x)["y"] for x in pair.images]
    noise = np.square(np.subtract(right, got)).sum() / np.square(right).sum()
    same = np.mean([a.argmax(1) == b.argmax(1) for a, b in zip(right, got, strict=True)])
    assert measured.full.noise == pytest.approx(noise, rel=1e-3)
    assert measured.full.agreement == pytest.approx(same)


def test_a_block_is_what_its_layers_take(make_pair) -> None:
    # What is coarse are the codes of ``a``, which the second layer takes.
    measured = measure(make_pair(a=0.5))
    two, one = measured.blocks
    assert (two.block, one.block) == (TWO, ONE)
    assert two.alone.noise > 20 * one.alone.noise
    assert two.without.noise < measured.full.noise / 20 < one.without.noise


def test_without_any_what_is_left_is_the_output(make_pair) -> None:
    # Only the codes of the output itself stay, and they are fine.
    assert measure(make_pair(x=0.5, a=0.5)).none.noise < 1e-3


def test_a_wide_block_still_clips_where_the_codes_end(make_pair) -> None:
    # The Relu is gone from the quantized model: taking ``a`` as it is would let negative values through.
    measured = measure(make_pair())
    assert next(entry for entry in measured.blocks if entry.block == TWO).without.noise <= measured.full.noise * 1.01
    # And the largest code of ``a`` is 0.1: sixteen bits over the same range clip there, too.
    assert measure(make_pair(a=0.1 / 255)).none.noise > 0.1


def test_a_block_that_loses_much_is_opened(make_pair) -> None:
    measured = sensitivity(board(make_pair(a=0.5)), [WHOLE], at_most=3)
    assert measured.blocks[0].block.name == "two"
    assert {entry.block.name for entry in measured.blocks} == {"one", "two"}
    assert [entry.block.name for entry in sensitivity(board(make_pair(a=0.5)), [WHOLE], at_most=1).blocks] == ["(all)"]


def test_each_setting_that_is_tried_is_told(make_pair) -> None:
    done: list[int] = []
    sensitivity(board(make_pair()), [ONE, TWO], 2, done.append)
    assert done == list(range(1, 2 + 2 + 2 + 1))
