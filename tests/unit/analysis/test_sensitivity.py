"""What blocks lose by 8 bits."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.analysis.blocks import Block
from recipebuild.analysis.compared import compared
from recipebuild.analysis.sensitivity import Sensitivities, sensitivity
from recipebuild.analysis.twins import find_twins

BLOCKS = [Block("one", None, ("first", "bend"), 1, 0.5), Block("two", None, ("second",), 1, 0.5)]


def measure(pair) -> Sensitivities:
    twins = find_twins(pair.model, pair.quantized)
    output = compared(pair.model, twins, 1)
    return sensitivity(pair.model, pair.quantized, twins, BLOCKS, output, iter(pair.images))


def test_all_blocks_quantized_is_the_model_as_it_is(make_pair) -> None:
    pair = make_pair(a=0.3)
    found = measure(pair)
    right = [pair.float(x)["y"] for x in pair.images]
    got = [pair.end_to_end(x)["y"] for x in pair.images]
    noise = np.square(np.subtract(right, got)).sum() / np.square(right).sum()
    same = np.mean([a.argmax(1) == b.argmax(1) for a, b in zip(right, got, strict=True)])
    assert found.full.noise == pytest.approx(noise, rel=1e-3)
    assert found.full.agreement == pytest.approx(same)


def test_a_block_is_what_its_layers_take(make_pair) -> None:
    # What is coarse are the codes of ``a``, which the second layer takes.
    pair = make_pair(a=0.5)
    found = measure(pair)
    assert found.blocks["two"].alone.noise > 20 * found.blocks["one"].alone.noise
    assert found.blocks["two"].without.noise < found.full.noise / 20 < found.blocks["one"].without.noise


def test_without_any_what_is_left_is_the_output(make_pair) -> None:
    # Only the codes of the output itself stay, and they are fine.
    assert measure(make_pair(x=0.5, a=0.5)).none.noise < 1e-3


def test_a_wide_block_still_clips_where_the_codes_end(make_pair) -> None:
    # The Relu is gone from the quantized model: taking ``a`` as it is would let negative values through.
    pair = make_pair()
    found = measure(pair)
    assert found.blocks["two"].without.noise <= found.full.noise * 1.01
    # And the largest code of ``a`` is 0.1: sixteen bits over the same range clip there, too.
    assert measure(make_pair(a=0.1 / 255)).none.noise > 0.1


def test_progress_is_told_run_by_run(make_pair) -> None:
    pair = make_pair()
    twins = find_twins(pair.model, pair.quantized)
    told: list[int] = []
    sensitivity(
        pair.model, pair.quantized, twins, BLOCKS, compared(pair.model, twins, 1), iter(pair.images), told.append
    )
    assert told == list(range(1, len(pair.images) * (2 * len(BLOCKS) + 2) + 1))
