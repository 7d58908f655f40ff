"""Layers chosen by module or name, resolved against the model."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.layers import modules_of, resolve


@pytest.fixture
def model(small_onnx: Path) -> onnx.ModelProto:
    return onnx.load(small_onnx)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [(["stem"], ["conv"]), (["st*"], ["conv"]), (["squash", "stem"], ["squash", "conv"]), (["*"], None)],
)
def test_patterns_of_modules_and_names(model: onnx.ModelProto, patterns: list[str], names: list[str] | None) -> None:
    (entry,) = resolve([{"module": patterns, "data_type": "U16"}], model)
    if names is None:  # all but what moves data, whose type is that of its users
        names = [node.name for node in model.graph.node if node.op_type not in ("Reshape", "Slice")]
    assert entry == {"layer_names": names, "data_type": "U16"}


def test_other_selectors_stay(model: onnx.ModelProto) -> None:
    layers = [{"op_type": "Add", "data_type": "U16"}]
    assert resolve(layers, model) == layers


@pytest.mark.parametrize("pattern", ["decode_head.*", "flatten"])
def test_a_pattern_that_matches_nothing_is_an_error(model: onnx.ModelProto, pattern: str) -> None:
    with pytest.raises(StepError, match="matches no layer") as caught:
        resolve([{"module": ["stem", pattern], "data_type": "U16"}], model)
    assert "modules: stem" in caught.value.remedy


def with_modules(*modules: str | None) -> onnx.ModelProto:
    """A chain of Relus, each in a module, as PyTorch's exporter writes it down; ``None`` for one that says nothing."""
    nodes = []
    for at, module in enumerate(modules):
        node = helper.make_node("Relu", [f"t{at}"], [f"t{at + 1}"], f"relu_{at}")
        if module is not None:
            parts = module.split(".")
            scopes = ["", *(".".join(parts[: n + 1]) for n in range(len(parts))), f"relu_{at}"]
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(scopes))
        nodes.append(node)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("t0", f"t{len(modules)}")]
    return helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:]))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("decode_head", ["relu_1", "relu_2", "relu_3"]),  # the second says nothing, and lies where its user does
        ("decode_head.*", ["relu_3"]),
        ("model.decode_head.classifier", ["relu_3"]),
        ("stages.0", ["relu_0"]),
        ("classifier", ["relu_3"]),
    ],
)
def test_a_path_counts_from_any_of_its_parts_on(pattern: str, names: list[str]) -> None:
    model = with_modules("model.stages.0", None, "model.decode_head", "model.decode_head.classifier")
    assert resolve([{"module": [pattern], "data_type": "U16"}], model)[0]["layer_names"] == names


def test_a_list_of_modules_counts_though_the_exporter_does_not_name_it() -> None:
    model = with_modules("model.stages.2.blocks.0.mlp", "model.stages.2.blocks.1.mlp", "model.stages.1.blocks.0.mlp")
    (entry,) = resolve([{"module": ["model.stages.2.blocks"], "data_type": "U16"}], model)
    assert entry["layer_names"] == ["relu_0", "relu_1"]


def test_modules_of_layers() -> None:
    model = with_modules("model.stages.0", None, "model.decode_head", None)
    assert modules_of(model) == {
        "relu_0": "model.stages.0",
        "relu_1": "model.decode_head",
        "relu_2": "model.decode_head",
    }


def test_names_of_the_torchscript_exporter_are_paths_of_modules() -> None:
    model = with_modules(None, None)
    model.graph.node[0].name = "/decode_head/linear_c.0/proj/MatMul"
    model.graph.node[1].name = "/decode_head/Relu"
    assert modules_of(model) == {
        "/decode_head/linear_c.0/proj/MatMul": "decode_head.linear_c.0.proj",
        "/decode_head/Relu": "decode_head",
    }
    (entry,) = resolve([{"module": ["decode_head.*"], "data_type": "U16"}], model)
    assert entry["layer_names"] == ["/decode_head/linear_c.0/proj/MatMul"]
