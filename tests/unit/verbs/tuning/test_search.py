"""The search, on models of a loss that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.recipe.equalize import Equalize
from recipebuild.recipe.tune import Tune
from recipebuild.verbs.tuning.change import RecipeChange, TunableBlock
from recipebuild.verbs.tuning.equalizing import ATTENTION, TOKENS, Setting, left_out, switches_for
from recipebuild.verbs.tuning.search import Outcome, SearchResult, Start, failed, search

COSTS = {"stem": (0.02, 0.05), "deep": (0.1, 0.06), "wide": (0.6, 0.04), "calm": (0.05, 0.0001), "head": (0.08, 0.03)}
"""Of each block: its share of the multiply-adds, and what 8 bits in it cost."""
BLOCKS = [TunableBlock(name, (name,), share, loss) for name, (share, loss) in COSTS.items()]

START = Start("MinMax", 32, left_out(None, [TOKENS]))


class Model:
    """What quantization costs: a sum over blocks in 8 bit, times what the settings leave of it."""

    def __init__(
        self, blocks: Sequence[TunableBlock] = BLOCKS, rest: Callable[[RecipeChange], float] = lambda change: 1.0
    ) -> None:
        self.blocks, self.rest = blocks, rest
        self.batches: list[list[RecipeChange]] = []

    def measure(self, changes: Sequence[RecipeChange]) -> list[Outcome]:
        self.batches.append(list(changes))
        return [self.outcome(change) for change in changes]

    def outcome(self, change: RecipeChange) -> Outcome:
        wide = {block.name for block in change.wide}
        loss = sum(block.gain for block in self.blocks if block.name not in wide)
        return Outcome(loss * self.rest(change), sum(block.share for block in change.wide))

    def search(self, **goal: float) -> SearchResult:
        return search(START, Tune.model_validate(goal), self.measure, lambda change: self.blocks)


def names(change: RecipeChange) -> set[str]:
    return {block.name for block in change.wide}


def test_a_recipe_that_is_good_enough_is_left_alone() -> None:
    model = Model()
    result = model.search(max_drop=0.2)
    assert result.met and result.best == RecipeChange()
    assert len(result.trials) == 1


def test_one_setting_is_enough_where_it_is_and_the_best_of_them_is_taken() -> None:
    rest = {"MSE": 0.02, "KL": 0.01}
    model = Model(rest=lambda change: rest.get(change.settings.get("quantization.method", ""), 1.0))
    result = model.search(max_drop=0.005)
    assert result.met and result.best.settings == {"quantization.method": "KL"} and not result.best.wide


def test_settings_that_help_are_put_together() -> None:
    def rest(change: RecipeChange) -> float:
        method = 0.2 if change.settings.get("quantization.method") == "MSE" else 1.0
        return method * (0.2 if "equalize" in change.settings else 1.0)

    result = Model(rest=rest).search(max_drop=0.01)
    assert result.met and set(result.best.settings) == {"quantization.method", "equalize"}


@pytest.mark.parametrize(
    ("equalize", "switches", "settings"),
    [
        (None, [TOKENS], [{"equalize": {}}, {"equalize": {"tokens": True}}]),
        (
            None, [TOKENS, ATTENTION],
            [{"equalize": each} for each in (
                {}, {"tokens": True}, {"attention": "U16"}, {"tokens": True, "attention": "U16"},
            )],
        ),
        (Equalize(), [TOKENS, ATTENTION], [{"equalize.tokens": True}, {"equalize.attention": "U16"}]),
        (Equalize(tokens=True), [TOKENS], []),
        (Equalize(tokens=True, attention="U8"), [TOKENS, ATTENTION], []),
    ],
)  # fmt: skip
def test_what_equalize_can_do_and_the_recipe_leaves_out_is_tried(
    equalize: Equalize | None, switches: list[Setting], settings: list[object]
) -> None:
    model = Model()
    start = Start("MinMax", 32, left_out(equalize, switches))
    search(start, Tune.model_validate({"max_drop": 0.001}), model.measure, lambda change: [])
    singles = [dict(change.settings) for change in model.batches[1]]
    assert [each for each in singles if any(name.startswith("equalize") for name in each)] == settings


def test_attention_over_long_rows_is_tried_before_anything_gets_16_bits() -> None:
    def rest(change: RecipeChange) -> float:
        return 0.01 if change.settings.get("equalize") == {"attention": "U16"} else 1.0

    model = Model(rest=rest)
    result = search(
        Start("MinMax", 32, left_out(None, [TOKENS, ATTENTION])),
        Tune.model_validate({"max_drop": 0.005}), model.measure, lambda change: BLOCKS,
    )  # fmt: skip
    assert result.met and result.best.settings == {"equalize": {"attention": "U16"}}
    assert not any(change.wide or change.operators for change, _ in result.trials)


@pytest.mark.parametrize(("keys", "switches"), [(256, [ATTENTION]), (128, [])])
def test_attention_is_for_graphs_where_softmax_is_over_so_many_keys(
    keys: int, switches: list[Setting], tmp_path: Path
) -> None:
    text = f"(float[1,4,{keys}] x) => (float[1,4,4] y) {{ a = Softmax(x)\n t = Transpose<perm = [0, 2, 1]>(x)\n"
    onnx.save(graph(text + " y = MatMul(a, t) }"), tmp_path / "model.onnx")
    assert switches_for(tmp_path / "model.onnx") == switches


@pytest.mark.parametrize(("taker", "switches"), [("LayerNormalization(t, gain)", [TOKENS]), ("Relu(t)", [])])
def test_tokens_is_for_graphs_where_tokens_of_several_kinds_are_normalized(
    taker: str, switches: list[Setting], tmp_path: Path
) -> None:
    text = "(float[1,6,8] x, float[1,1,8] cls, float[8] gain) => (float[1,7,8] y) { t = Concat<axis = 1>(cls, x)\n"
    model = graph(f"{text} y = {taker} }}", cls=np.ones((1, 1, 8)), gain=np.ones(8))
    onnx.save(model, tmp_path / "model.onnx")
    assert switches_for(tmp_path / "model.onnx") == switches


def test_a_switch_of_equalize_is_not_thrown_where_equalize_is_enough() -> None:
    def rest(change: RecipeChange) -> float:
        return {"{}": 0.02, "{'tokens': True}": 0.01}.get(str(change.settings.get("equalize")), 1.0)

    result = Model(rest=rest).search(max_drop=0.005)
    assert result.met and result.best.settings == {"equalize": {}}


def test_blocks_get_16_bits_within_the_budget_and_no_more_than_needed() -> None:
    result = Model().search(max_drop=0.075, max_16bit_share=0.2)
    assert result.met
    assert names(result.best) == {"stem", "deep"}
    assert result.outcome(result.best).share == pytest.approx(0.12)


def test_the_budget_is_not_exceeded_and_the_best_within_it_is_told() -> None:
    result = Model().search(max_drop=0.001, max_16bit_share=0.2)
    assert not result.met and not result.cut
    assert names(result.best) == {"stem", "deep", "head"}
    assert all(outcome.share <= 0.2 for _, outcome in result.trials)


def test_settings_that_turn_out_not_to_matter_are_taken_out_again() -> None:
    def rest(change: RecipeChange) -> float:
        return 0.97 if change.settings.get("quantization.method") == "Percentile" else 1.0

    result = Model(rest=rest).search(max_drop=0.08)
    assert result.met and not result.best.settings and names(result.best) == {"stem", "deep"}


def test_blocks_of_the_order_that_are_not_needed_are_taken_out_again() -> None:
    # What sensitivity says of `stem` is wrong: it costs nothing in truth.
    blocks = [TunableBlock(block.name, block.patterns, block.share, block.gain) for block in BLOCKS]
    truth = Model([TunableBlock("stem", ("stem",), 0.02, 0.0), *BLOCKS[1:]])
    result = search(Start("MinMax", 32), Tune(max_drop=0.075), truth.measure, lambda change: blocks)
    assert result.met and names(result.best) == {"deep"}


def test_independent_trials_are_built_together() -> None:
    model = Model()
    model.search(max_drop=0.001)
    assert [len(batch) for batch in model.batches][:2] == [1, 7]


def test_nothing_is_tried_twice_and_no_more_than_allowed() -> None:
    for trials in (1, 3, 9, 100):
        model = Model()
        result = model.search(max_drop=0.001, trials=trials)
        keys = [change.key for batch in model.batches for change in batch]
        assert len(keys) == len(set(keys)) == len(result.trials) <= trials
        assert bool(result.cut) == (trials < 13)


def test_after_its_time_it_ends_with_the_best_so_far() -> None:
    model = Model(rest=lambda change: 0.5 if change.settings.get("quantization.method") == "MSE" else 1.0)
    result = search(
        Start("MinMax", 32), Tune(max_drop=0.001), model.measure, lambda change: BLOCKS, lambda: len(model.batches) < 2
    )
    assert result.cut == "the time is up" and result.best.settings == {"quantization.method": "MSE"}


def test_a_trial_that_cannot_be_built_is_no_candidate() -> None:
    class Fragile(Model):
        def outcome(self, change: RecipeChange) -> Outcome:
            return failed("compile: no") if "equalize" in change.settings else super().outcome(change)

    result = Fragile().search(max_drop=0.075)
    assert result.met and "equalize" not in result.best.settings


def test_settings_that_help_only_with_blocks_in_16_bit_are_found() -> None:
    def rest(change: RecipeChange) -> float:
        clipped = change.settings.get("quantization.method") == "KL"
        return 1.0 if not clipped else 0.1 if change.wide else 2.0

    result = Model(rest=rest).search(max_drop=0.008, max_16bit_share=0.2)
    assert result.met and result.best.settings == {"quantization.method": "KL"}
    assert names(result.best) <= {"stem", "deep", "head"} and result.best.wide


def test_operators_without_multiply_adds_come_before_blocks() -> None:
    model = Model(rest=lambda change: 0.1 if "LayerNormalization" in change.operators else 1.0)
    result = model.search(max_drop=0.02, max_16bit_share=0.2)
    assert result.met and not result.best.wide and not result.best.settings
    assert result.best.operators == ("LayerNormalization",), "Add was not needed, and is left out again"
    assert not any(change.wide for batch in model.batches for change in batch)
    assert result.best.values(()) == {"quantization.layers": [{"op": ["LayerNormalization"], "dtype": "U16"}]}


def test_a_trial_that_fails_says_why() -> None:
    class Broken(Model):
        def outcome(self, change: RecipeChange) -> Outcome:
            return failed("compile: no such layer") if change.parts else super().outcome(change)

    result = Broken().search(max_drop=0.01)
    assert {outcome.error for change, outcome in result.trials if change.parts} == {"compile: no such layer"}
    assert not result.met and result.best == RecipeChange()


def test_of_changes_that_the_metric_finds_alike_the_one_nearer_to_float_is_built_on() -> None:
    near = {"MSE": 0.4, "KL": 0.2, "Percentile": 0.6}

    class Coarse(Model):
        """Labels that see nothing but blocks; the class ids tell more."""

        def outcome(self, change: RecipeChange) -> Outcome:
            plain = super().outcome(change)
            factor = near.get(change.settings.get("quantization.method", ""), 1.0)
            return Outcome(plain.drop, plain.share, distance=plain.drop * factor)

    result = Coarse().search(max_drop=0.001, max_16bit_share=0.02)
    assert not result.met and result.best.settings == {"quantization.method": "KL"}
