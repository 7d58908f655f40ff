"""Simplifying: the same function, static, with less; and which models are refused."""

from __future__ import annotations

import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxsim
import pytest
from onnx import TensorProto, helper
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.graph import files
from recipebuild.toolkit.graph.compare import run_model
from recipebuild.toolkit.graph.simplify import simplify
from recipebuild.toolkit.graph.statistics import inputs, operator_counts, outputs

SHAPE = (1, 3, 16, 32)


def test_shape_arithmetic_is_folded_and_the_function_stays(small_onnx: Path, tmp_path: Path) -> None:
    simplified = simplify(small_onnx, "pixel_values", SHAPE)
    assert operator_counts(simplified) == {"Conv": 1, "Reshape": 2, "Tanh": 1}
    files.save(simplified, tmp_path / "simplified.onnx")
    feed = {"pixel_values": np.random.default_rng(1).standard_normal(SHAPE, dtype=np.float32)}
    before, after = (run_model(path, [feed])[0][0] for path in (small_onnx, tmp_path / "simplified.onnx"))
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_module_names_versions_and_the_graphs_name_stay(small_onnx: Path) -> None:
    original = files.load(small_onnx)
    simplified = simplify(small_onnx, "pixel_values", SHAPE)
    conv = next(node for node in simplified.graph.node if node.op_type == "Conv")
    assert conv.metadata_props == original.graph.node[0].metadata_props
    assert simplified.metadata_props == original.metadata_props
    assert simplified.ir_version == original.ir_version
    assert simplified.opset_import == original.opset_import
    assert simplified.graph.name == "small"


def test_a_large_weight_is_transposed_where_it_lies(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [3072, 1500], np.ones((3072, 1500), np.float32).tobytes(), True)
    nodes = [
        helper.make_node("Transpose", ["w"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "turned"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in (("x", 1500), ("y", 3072))
    ]
    graph = helper.make_graph(nodes, "large", ends[:1], ends[1:], [weight])
    path = tmp_path / "large.onnx"
    files.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    assert operator_counts(simplify(path, None, None, {"x": (1, 1500)})) == {"MatMul": 1}


def test_symbolic_sizes_become_the_recipes(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.graph.input[0].CopyFrom(
        helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, None, None])
    )
    model.graph.node[-1].CopyFrom(helper.make_node("Identity", ["squashed"], ["logits"]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 6, "pixels"]))
    files.save(model, small_onnx)
    assert outputs(simplify(small_onnx, "pixel_values", (1, 3, 8, 12)))[0].sizes == (1, 6, 6)


def test_external_data_is_simplified_too(small_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "EXTERNAL_DATA_OVER", 1000)
    (tmp_path / "large").mkdir()
    files.save(files.load(small_onnx), tmp_path / "large" / "model.onnx")
    (tmp_path / "in").mkdir()
    for name in ("model.onnx", "model.onnx.data"):  # a step finds its inputs as hard links
        (tmp_path / "in" / name).hardlink_to(tmp_path / "large" / name)
    assert simplify(tmp_path / "in" / "model.onnx", "pixel_values", SHAPE) == simplify(
        small_onnx, "pixel_values", SHAPE
    )


def test_another_process_makes_the_same_bytes(small_onnx: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from recipebuild.toolkit.graph import files, simplify; "
        f"files.save(simplify.simplify(Path(sys.argv[1]), 'pixel_values', {SHAPE}), Path(sys.argv[2]))"
    )
    there, here = tmp_path / "there.onnx", tmp_path / "here.onnx"
    subprocess.run([sys.executable, "-c", program, small_onnx, there], check=True, capture_output=True)
    files.save(simplify(small_onnx, "pixel_values", SHAPE), here)
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("image", SHAPE, r"no input image; its inputs: pixel_values \(float32 1x3x16x32\)"),
        ("pixel_values", (1, 3, 32, 32), "made for the input .*1x3x16x32.* the recipe says 1x3x32x32"),
        ("pixel_values", (1, 3, 16), "the recipe says 1x3x16"),
    ],
)
def test_an_input_that_the_model_does_not_have_is_refused(
    small_onnx: Path, name: str, shape: tuple[int, ...], says: str
) -> None:
    with pytest.raises(StepError, match=r"small\.onnx.*" + says):
        simplify(small_onnx, name, shape)


def test_a_second_input_that_is_described_gets_its_shape(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.graph.input.append(helper.make_tensor_value_info("scale", TensorProto.FLOAT, ["batch", 1]))
    model.graph.node.append(helper.make_node("Mul", ["logits", "scale"], ["scaled"]))
    model.graph.output.append(helper.make_tensor_value_info("scaled", TensorProto.FLOAT, [1, 6, 4, 8]))
    files.save(model, small_onnx)
    simplified = simplify(small_onnx, "pixel_values", SHAPE, {"scale": (1, 1)})
    assert [tensor.sizes for tensor in inputs(simplified)] == [SHAPE, (1, 1)]
    with pytest.raises(StepError, match=r"made for the input scale .* the recipe says 1x1x1"):
        simplify(small_onnx, "pixel_values", SHAPE, {"scale": (1, 1, 1)})
    with pytest.raises(StepError, match="no input gain"):
        simplify(small_onnx, "pixel_values", SHAPE, {"gain": (1, 1)})


def test_an_image_that_is_not_float32_is_refused(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    files.save(model, small_onnx)
    with pytest.raises(StepError, match=r"^model\.source: .* uint8, and Conv computes") as caught:
        simplify(small_onnx, "pixel_values", SHAPE)
    assert "target.runtime_input" in caught.value.remedy


def test_a_second_input_is_refused(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.graph.input.append(helper.make_tensor_value_info("scale", TensorProto.FLOAT, [1]))
    files.save(model, small_onnx)
    with pytest.raises(StepError, match=r"^inputs: small\.onnx has 2 inputs") as caught:
        simplify(small_onnx, "pixel_values", SHAPE)
    assert "describe scale in inputs or more_inputs" in caught.value.remedy


def test_a_model_that_onnxsim_rejects_is_a_failed_step(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    del model.graph.node[5].input[:]
    files.save(model, small_onnx)
    with pytest.raises(StepError, match=r"onnxsim cannot simplify small\.onnx"):
        simplify(small_onnx, "pixel_values", SHAPE)


def test_a_cut_file_is_a_failed_step(small_onnx: Path) -> None:
    small_onnx.write_bytes(small_onnx.read_bytes()[:300])
    with pytest.raises(StepError, match="cut short"):
        simplify(small_onnx, "pixel_values", SHAPE)


@pytest.fixture
def attention(tmp_path: Path) -> Path:
    """A model with attention as PVT v2 has it, of which onnxsim makes one operator of ONNX Runtime's at first."""
    linear = "\n".join(
        f"{name}p = MatMul (x, {name}w)\n{name}s = Add ({name}p, {name}b)\n{name}r = Reshape ({name}s, heads)\n"
        f"{name} = Transpose <perm = [0, 2, 1, 3]> ({name}r)"
        for name in "qkv"
    )
    weights = ", ".join(f"float[8,8] {name}w, float[8] {name}b" for name in "qkv")
    model = graph(
        f"""(float[1,4,8] x, {weights}, int64[4] heads, int64[3] tokens, float root) => (float[1,4,8] y) {{
            {linear}
            turned = Transpose <perm = [0, 1, 3, 2]> (k)
            products = MatMul (q, turned)
            scores = Div (products, root)
            weights = Softmax <axis = -1> (scores)
            sums = MatMul (weights, v)
            together = Transpose <perm = [0, 2, 1, 3]> (sums)
            y = Reshape (together, tokens)
        }}""",
        heads=[1, 4, 2, 4],
        tokens=[1, 4, 8],
        root=2,
    )
    files.save(model, tmp_path / "attention.onnx")
    return tmp_path / "attention.onnx"


def test_attention_stays_in_operators_of_its_own(attention: Path) -> None:
    counts = operator_counts(simplify(attention, None, None, {"x": (1, 4, 8)}))
    assert counts["Softmax"] == 1 and "Attention" not in counts, "nothing can see into the operator Attention"


class Held(SimpleNamespace):
    """A simplified model of which one can tell whether somebody holds it, as protobuf's messages do not."""


def test_a_model_that_is_simplified_again_is_not_held_meanwhile(
    attention: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, models = onnxsim.simplify, list[weakref.ref[Held]]()

    def watched(*arguments: Any, **options: Any) -> tuple[Held, bool]:
        assert all(model() is None for model in models), "a large model would be in memory twice"
        model, valid = really(*arguments, **options)
        held = Held(graph=model.graph, metadata_props=model.metadata_props)
        models.append(weakref.ref(held))
        return held, valid

    monkeypatch.setattr(onnxsim, "simplify", watched)
    simplify(attention, None, None, {"x": (1, 4, 8)})
    assert len(models) == 2
