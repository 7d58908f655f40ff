"""quant.json: in the shape of the tool's, with the reason for each entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper

from recipebuild.toolkit.quantize.quant_json import quant_json

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]


def test_each_tensor_of_each_operator(make_model: Make, quantize: Quantize) -> None:
    nodes = [
        helper.make_node("Conv", ["pixel_values", "weight", "bias"], ["conv"], "Conv_0"),
        helper.make_node("Transpose", ["conv"], ["turned"], "Transpose_1"),
        helper.make_node("Softmax", ["turned"], ["output"], "Softmax_2"),
    ]
    constants = {"weight": np.ones((2, 3, 1, 1), np.float32), "bias": np.ones(2, np.float32)}
    model = make_model(nodes, ["output"], constants)
    made = quantize(model, {"op_type": "Softmax", "data_type": "FP32"}, {"op_type": "Gelu", "data_type": "U16"})
    text = quant_json(made.source, made.plan, made.settled)
    document = json.loads(text)
    configs = document["tensor_configs"]
    assert {name: list(tensors) for name, tensors in configs.items()} == {
        "Conv_0": ["pixel_values", "weight", "bias", "conv"],
        "Transpose_1": ["conv", "turned"],
        "Softmax_2": ["turned", "output"],
    }
    entry = configs["Conv_0"]["pixel_values"]
    assert {key: entry[key] for key in ("bit_width", "quant_min", "quant_max", "state")} == {
        "bit_width": 8, "quant_min": 0, "quant_max": 255, "state": "ACTIVATED",
    }  # fmt: skip
    assert entry["policy"]["PER_TENSOR"]
    assert entry["policy"]["ASYMMETRICAL"]
    assert document["values"][str(entry["hash"])] == {"scale": [float(np.float32(6 / 255))], "zero_point": [85]}
    weight = configs["Conv_0"]["weight"]
    assert (weight["state"], weight["quant_min"], weight["policy"]["PER_CHANNEL"]) == ("BAKED", -128, True)
    assert len(document["values"][str(weight["hash"])]["scale"]) == 2
    assert (configs["Conv_0"]["bias"]["state"], configs["Conv_0"]["bias"]["bit_width"]) == ("PASSIVE_BAKED", 32)
    assert {tensor["state"] for name in ("Transpose_1", "Softmax_2") for tensor in configs[name].values()} == {"FP32"}
    assert all(tensor["rule"] for tensors in configs.values() for tensor in tensors.values())
    assert document["dropped"] == ["Gelu: asked for U16, but the model has none"]
    assert text.count("\n") > 6  # a line for each operator


def test_shared_parameters_are_those_of_the_dominator(make_model: Make, quantize: Quantize) -> None:
    nodes = [
        helper.make_node("Transpose", ["pixel_values"], ["turned"], "Transpose_0"),
        helper.make_node("Neg", ["turned"], ["output"], "Neg_1"),
    ]
    made = quantize(make_model(nodes, ["output"]))
    document = json.loads(quant_json(made.source, made.plan, made.settled))
    first = document["tensor_configs"]["Transpose_0"]["pixel_values"]
    for entry in (document["tensor_configs"]["Transpose_0"]["turned"], document["tensor_configs"]["Neg_1"]["turned"]):
        assert (entry["state"], entry["dominator"]) == ("OVERLAPPED", first["hash"])
        assert str(entry["hash"]) not in document["values"]
