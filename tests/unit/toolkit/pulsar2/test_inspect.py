"""``inspect``: what a build's rewrites would do to a file, and why not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import RecipeError
from recipebuild.toolkit.pulsar2.inspect import OnnxModel, inspect


@pytest.fixture
def powers(tmp_path: Path) -> Path:
    """A model of a square, which NPUs take as a product, and of a cube."""
    text = "(float[2,3] x, float two, float three) => (float[2,3] y) { a = Pow (x, two) y = Pow (a, three) }"
    onnx.save(graph(text, opset=17, two=2, three=3), tmp_path / "powers.onnx")
    return tmp_path / "powers.onnx"


def test_each_rewrite_of_a_build_for_the_hardware_is_told(powers: Path) -> None:
    model = inspect(powers, "AX650", rewrites=True)
    assert isinstance(model, OnnxModel) and model.rewrites is not None
    (square,) = [each for each in model.rewrites if each.name == "square_as_mul"]
    assert (square.times, square.refused) == (1, {"the exponent of Pow is not 2": 1})
    assert "tile_attention" not in [each.name for each in model.rewrites]


def test_without_hardware_they_are_those_for_the_host(powers: Path) -> None:
    model = inspect(powers, rewrites=True)
    assert isinstance(model, OnnxModel) and model.rewrites is not None
    names = [each.name for each in model.rewrites]
    assert "tile_attention" in names and "square_as_mul" not in names


def test_unless_asked_for_nothing_is_tried(powers: Path) -> None:
    assert "rewrites" not in inspect(powers, "AX650").as_json()


def test_a_compiled_model_has_no_rewrites(tmp_path: Path) -> None:
    (tmp_path / "compiled.axmodel").touch()
    with pytest.raises(RecipeError, match="is compiled: no rewrite applies to it"):
        inspect(tmp_path / "compiled.axmodel", rewrites=True)


def test_the_command_prints_a_table_or_json(powers: Path) -> None:
    before = powers.read_bytes()
    command = [sys.executable, "-m", "recipebuild", "inspect", str(powers), "--rewrites", "--hardware", "AX650"]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert "what rewrites would do, for AX650" in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if line.startswith("square_as_mul"))
    assert " ".join(row.split()) == "square_as_mul 1 1 the exponent of Pow is not 2"
    model = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True).stdout)
    rewrites = {each["name"]: each for each in model["rewrites"]}
    assert rewrites["square_as_mul"] == {
        "name": "square_as_mul",
        "times": 1,
        "refused": {"the exponent of Pow is not 2": 1},
    }
    assert powers.read_bytes() == before and list(powers.parent.iterdir()) == [powers]
