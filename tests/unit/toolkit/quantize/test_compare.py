"""Two quantizations, tensor by tensor; Pulsar2's file, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from recipebuild.errors import StepError
from recipebuild.toolkit.quantize.compare import TensorChange, compare, read
from recipebuild.toolkit.quantize.quant_json import quant_json

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]


def entry(number: int, bits: int = 8, low: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "bit_width": bits, "policy": {}, "state": "ACTIVATED", "quant_min": low, "quant_max": 1, "hash": number,
        "dominator": number, **more,
    }  # fmt: skip


def write(path: Path, configs: Any, values: Any) -> Path:
    path.write_text(json.dumps({"tensor_configs": configs, "values": values}))
    return path


def test_what_differs(tmp_path: Path) -> None:
    configs = {"Add_1": {"a": entry(1), "b": entry(2), "c": entry(3), "w": entry(4, low=-128), "gone": entry(1)}}
    values = {
        "1": {"scale": [0.5], "zero_point": [3]},
        "2": {"scale": [0.1], "zero_point": [10]},
        "3": {"scale": [0.1], "zero_point": [10]},
        "4": {"scale": [0.1, 0.2], "zero_point": [0, 0]},
    }
    first = write(tmp_path / "a.json", configs, values)
    # As Pulsar2 writes it: an operator of another name, hashes of its own, zero points as floats.
    configs = {
        "op_1:onnx.Add_0": {"a": entry(71), "b": entry(72)},
        "op_2": {"a": entry(79, state="OVERLAPPED", dominator=71), "c": entry(73, bits=16), "w": entry(74, low=-128)},
        "op_3": {"new": entry(71)},
    }
    values = {
        "71": {"scale": [0.5], "zero_point": [3.0]},
        "72": {"scale": [0.2], "zero_point": [12.0]},
        "73": {"scale": [0.001], "zero_point": [0.0]},
        "74": {"scale": [0.1, 0.25], "zero_point": [0.0, 0.0]},
    }
    comparison = compare(read(first), read(write(tmp_path / "b.json", configs, values)))
    about_a_fifth: Any = pytest.approx(0.2)
    assert comparison.equal == 1
    assert comparison.changed == (
        TensorChange("c", ("U8",), ("U16",), 0.0, 0),
        TensorChange("b", ("U8",), ("U8",), 0.5, 2),
        TensorChange("w", ("S8",), ("S8",), about_a_fifth, 0),
    )
    assert (comparison.only_first, comparison.only_second) == (("gone",), ("new",))


def test_another_calibration_set_differs_and_the_same_does_not(
    make_model: Make, quantize: Quantize, batches: list[Any], tmp_path: Path
) -> None:
    nodes = [
        helper.make_node("MatMul", ["pixel_values", "weight"], ["product"], "product"),
        helper.make_node("Sigmoid", ["product"], ["output"], "output"),
    ]
    model = make_model(nodes, ["output"], {"weight": np.eye(8, dtype=np.float32)})
    for name, scale in (("a", 1), ("b", 2)):
        made = quantize(model, on=[scale * batch for batch in batches])
        (tmp_path / name).write_text(quant_json(made.source, made.plan, made.settled))
    a, b = read(tmp_path / "a"), read(tmp_path / "b")
    assert compare(a, a).equal == 4
    comparison = compare(a, b)
    assert [change.tensor for change in comparison.changed] == ["pixel_values", "product", "output"]
    assert comparison.changed[0].scale == pytest.approx(0.5, abs=1e-6)
    assert comparison.equal == 1  # the weight


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tensor_configs": []}', '{"tensor_configs": {"a": {"b": 1}}}'])
def test_another_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(StepError, match=r"x\.json is not a quantization"):
        read(tmp_path / "x.json")
