"""One row a chip: recipes, configurations and the lint agree on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.facts.chips import CHIPS
from recipebuild.recipe.target import Target
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.lint import FOLDER, hardware_with_tables

OWN = [chip for chip in CHIPS.values() if chip.built_as is None]
MODES = ["NPU1", "NPU2", "NPU3", "NPU4", "NPU5"]


@pytest.mark.parametrize("chip", OWN, ids=lambda chip: chip.name)
@pytest.mark.parametrize("mode", MODES)
def test_recipes_and_configurations_take_the_same_modes(chip, mode) -> None:
    values = {"input": "m.onnx", "output_dir": "out", "target_hardware": chip.name, "npu_mode": mode}
    if mode in chip.npu_modes:
        assert Target(hardware=chip.name, npu_mode=mode).npu_mode == BuildConfig.model_validate(values).npu_mode
        return
    with pytest.raises(ValueError, match=f"{chip.name} has no {mode}"):
        Target(hardware=chip.name, npu_mode=mode)
    with pytest.raises(ValueError, match="does not exist on"):
        BuildConfig.model_validate(values)


def test_a_chip_of_another_name_is_built_as_one_of_the_tools() -> None:
    for chip in CHIPS.values():
        assert chip.built_as is None or CHIPS[chip.built_as].npu_modes == chip.npu_modes


def test_each_table_of_operators_belongs_to_a_chip() -> None:
    tables = {path.stem for path in Path(FOLDER).glob("*.yaml")} - {"limits", "field"}
    assert tables == {chip.operators for chip in CHIPS.values()} - {None}
    assert set(hardware_with_tables()) >= tables
