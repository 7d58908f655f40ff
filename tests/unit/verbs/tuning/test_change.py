"""Changes of a recipe."""

from __future__ import annotations

from recipebuild.figures.sensitivity import BlockRow, OutputError, Sensitivity
from recipebuild.verbs.tuning.change import RecipeChange, TunableBlock, blocks_of


def error(noise: float) -> OutputError:
    return OutputError(noise=noise, snr_db=20.0, agreement=None)


def block(name: str, module: str | None, layers: list[str], share: float, noise: float) -> BlockRow:
    return BlockRow(block=name, module=module, layers=layers, share=share, alone=error(noise), without=error(0.1))


MEASURED = Sensitivity(
    images=2,
    full=error(0.1),
    none=error(0.01),
    blocks=[
        block("a.mlp", "a.mlp", ["up", "down"], 0.2, 0.05),
        block("a (rest)", None, ["sum", "odd[0]"], 0.0, 0.005),
        block("b", "b", [], 0.0, 0.01),
    ],
)


def test_blocks_are_named_by_module_or_else_by_their_layers() -> None:
    first, rest = blocks_of(MEASURED)
    assert first.layers == {"module": "a.mlp", "dtype": "U16"} and first.gain == 0.04
    assert rest.layers == {"module": ["sum", "odd[[]0]"], "dtype": "U16"} and rest.gain == 0


def test_layers_of_the_recipe_come_before_those_of_the_change() -> None:
    change = RecipeChange({"quantization.method": "MSE"}, (TunableBlock("b", ("b",), 0.1, 1.0),))
    own = [{"op": "Softmax", "dtype": "U16"}]
    assert change.values(own) == {
        "quantization.method": "MSE",
        "quantization.layers": [*own, {"module": "b", "dtype": "U16"}],
    }
    assert "quantization.layers" not in RecipeChange({"quantization.method": "MSE"}).values(own)


def test_the_same_change_has_the_same_key_in_any_order() -> None:
    a, b = (TunableBlock(name, (name,), 0.1, 1.0) for name in "ab")
    assert RecipeChange({"x.y": 1, "x.z": 2}, (a, b)).key == RecipeChange({"x.z": 2, "x.y": 1}, (b, a)).key
    assert RecipeChange({}, (a,)).key != RecipeChange({}, (b,)).key


def test_it_says_what_it_is() -> None:
    a = TunableBlock("a", ("a",), 0.1, 1.0)
    assert str(RecipeChange()) == "as it is"
    assert str(RecipeChange({"quantization.method": "MSE", "calibration.count": 64}, (a, a))) == (
        "count 64, method MSE, 2 blocks in 16 bit"
    )
