"""Asked against got: precisions that the tool dropped, and names that it does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipebuild.toolkit.pulsar2.asked import dropped, precisions, read_quantized
from recipebuild.toolkit.pulsar2.config import BuildConfig


def tensor(bits: int, low: int = 0, state: str = "ACTIVATED") -> dict[str, Any]:
    return {"bit_width": bits, "policy": {}, "state": state, "quant_min": low, "quant_max": 1, "hash": 1}


QUANTIZED = {
    "Add_26": {"507": tensor(16), "516": tensor(16, state="OVERLAPPED"), "out": tensor(8)},
    "MatMul_3": {"a": tensor(8), "w": tensor(8, -128, "BAKED")},
    "op_9:onnx.Softmax_0": {"x": tensor(32, state="FP32")},
    "Reshape_1": {"x": tensor(8)},
    "Mul_4": {"x": tensor(16, -32768)},
}
OPERATORS = {
    "Add_26": "Add", "MatMul_3": "MatMul", "op_9:onnx.Softmax_0": "Softmax", "Reshape_1": "Reshape", "Mul_4": "Mul",
}  # fmt: skip


def config(*layers: dict[str, Any]) -> BuildConfig:
    return BuildConfig.model_validate_json(
        json.dumps({"input": "m", "output_dir": "o", "quant": {"layer_configs": layers}})
    )


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ({"layer_name": "Add_26", "data_type": "U16"}, None),
        ({"layer_names": ["op_9:onnx.Softmax_0"], "data_type": "FP32"}, None),
        ({"layer_name": "Mul_4", "data_type": "S16"}, None),
        ({"op_type": "Reshape", "data_type": "U16"}, None),
        ({"start_tensor_names": ["DEFAULT"], "end_tensor_names": ["DEFAULT"], "data_type": "U16"}, None),
        ({"layer_name": "Mul_4", "data_type": "U16"}, "Mul Mul_4: asked for U16, got S16"),
        ({"layer_name": "MatMul_3", "data_type": "FP32"}, "MatMul MatMul_3: asked for FP32, got U8"),
        ({"op_types": ["MatMul"], "data_type": "U16"}, "MatMul MatMul_3: asked for U16, got U8"),
        ({"op_type": "Gelu", "data_type": "U16"}, "Gelu: asked for U16, but the optimized graph has none"),
        ({"layer_name": "Add_27", "data_type": "U16"}, "has no such layer (did you mean Add_26?)"),
    ],
)
def test_each_layer(layer: dict[str, Any], says: str | None) -> None:
    messages = dropped(config(layer), QUANTIZED, OPERATORS)
    assert (messages == []) if says is None else (len(messages) == 1 and says in messages[0])


def test_a_name_wins_over_an_operator() -> None:
    layers = {"op_type": "MatMul", "data_type": "U16"}, {"layer_name": "MatMul_3", "data_type": "U8"}
    assert dropped(config(*layers), QUANTIZED, OPERATORS) == []


def test_without_a_record_nothing_is_claimed() -> None:
    assert dropped(config({"layer_name": "x", "data_type": "U16"}), {}, OPERATORS) == []


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"tensor_configs": value, "values": {}}])
def test_both_forms_of_the_file(tmp_path: Path, wrap: Any) -> None:
    (tmp_path / "q.json").write_text(json.dumps(wrap(QUANTIZED)))
    configs = read_quantized(tmp_path / "q.json")
    assert configs == QUANTIZED
    assert precisions(configs) == {"FP32": 1, "S16": 1, "U16": 1, "U8": 2}


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"tensor_configs": {"a": {"b": {}}}}'])
def test_files_that_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "q.json").write_text(text)
    assert read_quantized(tmp_path / "q.json") == {}
    assert read_quantized(tmp_path / "missing.json") == {}
