"""What the NPU cannot take is found by the tables, node by node; what it takes is left in peace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from support.graphs import graph

from recipebuild.errors import RecipeError
from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.graph.apply import rewrite
from recipebuild.toolkit.graph.passes import defaults
from recipebuild.toolkit.graph.rewrite import prepare
from recipebuild.toolkit.pulsar2.lint import _MENDED, FOLDER, _read, _rows, _table, hardware_with_tables, lint
from recipebuild.toolkit.pulsar2.nodes import CONDITIONS

FLOAT = TensorProto.FLOAT
IMAGE = (1, 4, 8, 8)


def model(
    kind: str, constants: dict[str, Any] | None = None, *, inputs: str = "x", shape: tuple[int, ...] = IMAGE,
    opset: int = 17, before: list[onnx.NodeProto] | None = None, after: list[onnx.NodeProto] | None = None,
    **attributes: Any,
) -> onnx.ModelProto:  # fmt: skip
    """A model of one node of a kind, called ``it``, from x to y; Identity nodes stand around it."""
    node = helper.make_node(kind, [*inputs.split(), *(constants or {})], ["y"], "it", **attributes)
    nodes = [*(before or []), node, *(after or [helper.make_node("Identity", ["y"], ["out"], "end")])]
    free = [name for name in inputs.split() if not any(name in n.output for n in before or [])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name in dict.fromkeys(["x", *free])],
        [helper.make_tensor_value_info("out", FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    versions = {"": opset} | ({attributes["domain"]: 1} if "domain" in attributes else {})
    imports = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


W = np.zeros((4, 4, 3, 3), np.float32)
AXES = np.array([1])
TAKEN: list[onnx.ModelProto] = [
    model("Conv", {"w": W}, kernel_shape=[3, 3], dilations=[2, 2]),
    model("AveragePool", kernel_shape=[2, 2]),
    model("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    model("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
    model("Cast", to=TensorProto.INT32),
    model("Relu"),
    model("Gemm", {"w": np.zeros((8, 5), np.float32)}, shape=(3, 8)),
    model("LayerNormalization", {"s": np.ones(8, np.float32)}, axis=-1),
    model("LayerNormalization", {"s": np.ones(8, np.float32)}, axis=3),
    model("Pad", {"p": np.zeros(8, np.int64)}),
    model("Pow", {"e": np.float32(3)}),
    model("PRelu", {"s": np.ones((1, 4, 1, 1), np.float32)}),
    model("PRelu", {"s": np.ones((4, 1, 1), np.float32)}),
    model("ReduceMean", axes=[-1]),
    model("ReduceSum", {"a": AXES}),
    model("Resize", {"r": np.array([], np.float32), "s": np.array([1, 1, 2, 2], np.float32)}, mode="linear"),
    model("DepthToSpace", blocksize=2),
    model("Elu", alpha=1.0),
    model("Neg"),
    model("Add", {"b": np.ones((1, 5), np.float32)}, shape=(3, 5)),
    model("ConvTranspose", {"w": W}, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
]
REFUSED: list[tuple[onnx.ModelProto, str, str, str, str]] = [
    (
        model("Conv", {"w": W}, kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
        "RB404",
        "fails",
        "auto_pad is SAME_UPPER",
        "documented",
    ),
    (
        model("Conv", {"w": W[:, :2]}, kernel_shape=[3, 3], group=2, dilations=[2, 2]),
        "RB406",
        "slow",
        "groups and a dilation",
        "documented",
    ),
    (model("Conv", inputs="x x2", kernel_shape=[3, 3]), "RB413", "fails", "is not a constant", "field"),
    (
        model("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        "RB405",
        "fails",
        "count_include_pad is 0",
        "documented",
    ),
    (model("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]), "RB405", "fails", "dilations are [2, 2]", "documented"),
    (model("Cast", to=TensorProto.INT64), "RB405", "fails", "it casts to int64", "documented"),
    (
        model("Gemm", {"w": np.zeros((8, 5), np.float32)}, shape=(3, 8), alpha=2.0),
        "RB404",
        "fails",
        "alpha is 2.0",
        "documented",
    ),
    (
        model("LayerNormalization", {"s": np.ones((8, 8), np.float32)}, axis=2),
        "RB405",
        "fails",
        "axis is 2",
        "documented",
    ),
    (model("Pad", {"p": np.zeros(8, np.int64)}, mode="reflect"), "RB404", "fails", "mode is reflect", "documented"),
    (model("Pow", {"e": np.ones(8, np.float32)}), "RB405", "fails", "not one constant number", "documented"),
    (model("Pow", {"e": np.float32(2)}), "RB418", "fails", "square", "field"),
    (model("PRelu", {"s": np.ones((4, 8, 8), np.float32)}), "RB405", "fails", "its slope has the shape", "documented"),
    (model("ReduceMean"), "RB412", "wrong", "reduces the last axis only", "field"),
    (
        model("Resize", {"r": np.array([], np.float32), "s": np.array([1, 1, 2, 2], np.float32)}, mode="cubic"),
        "RB404",
        "fails",
        "mode is cubic",
        "documented",
    ),
    (
        model("Resize", {"r": np.array([], np.float32), "s": np.array([1, 1, 2, 2], np.float32)}, mode="nearest"),
        "RB405",
        "fails",
        "nearest_mode is round_prefer_floor",
        "documented",
    ),
    (model("DepthToSpace", blocksize=2, mode="CRD"), "RB404", "fails", "mode is CRD", "documented"),
    (model("Elu"), "RB411", "fails", "convert error: 'alpha'", "field"),
    (model("Einsum", equation="bchw->bwhc"), "RB402", "fails", "not in the table", "documented"),
    (model("Xor", inputs="x x2"), "RB410", "fails", "does not build", "field"),
    (model("Add", {"b": np.ones(5, np.float32)}, shape=(5,)), "RB414", "fails", "cannot tile rank 1", "field"),
    (model("ConvTranspose", {"w": W}, kernel_shape=[3, 3]), "RB411", "fails", "strides or pads", "field"),
    (
        model("ConvTranspose", {"w": W}, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 0, 0], output_padding=[1, 1]),
        "RB405",
        "fails",
        "output_padding",
        "documented",
    ),
    (model("RoiAlign", inputs="x x2 x3"), "RB405", "fails", "sampling_ratio is 0", "documented"),
    (
        model("Resize", {"r": np.array([], np.float32), "s": np.array([1, 1, 1, 1e4], np.float32)}, mode="linear"),
        "RB421",
        "fails",
        "a side over 65,535",
        "field",
    ),
    (model("Relu", opset=9), "RB401", "fails", "opset 9", "documented"),
]


@pytest.mark.parametrize("network", TAKEN, ids=lambda network: network.graph.node[0].op_type)
def test_what_is_taken_is_left_in_peace(network: onnx.ModelProto) -> None:
    assert lint(network, "AX650") == []


@pytest.mark.parametrize(("network", "code", "severity", "says", "source"), REFUSED, ids=lambda each: str(each)[:20])
def test_what_is_not_taken_is_named_with_its_reason(
    network: onnx.ModelProto, code: str, severity: str, says: str, source: str
) -> None:
    (finding,) = lint(network, "AX650")
    assert (finding.code, finding.severity, finding.source) == (code, severity, source)
    assert says in str(finding)
    assert finding.node in ("it", "")


def test_all_nodes_are_listed_at_once_in_their_order() -> None:
    network = model(
        "Einsum",
        equation="bchw->bwhc",
        after=[helper.make_node("Elu", ["y"], ["z"], "elu"), helper.make_node("ReduceMean", ["z"], ["out"], "mean")],
    )
    assert [finding.node for finding in lint(network, "AX650")] == ["it", "elu", "mean"]
    assert "MatMul" in lint(network, "AX650")[0].rewrite
    assert lint(model("Mod", inputs="x x2", fmod=1), "AX650")[0].rewrite == "a - b * floor(a / b) in float"


SHUFFLE = """(float[1,3,4,4] x, float[12,3,3,3] w) => (float[1,3,4,4] y) {
    h = Conv (x, w) y = DepthToSpace <blocksize = 2, mode = "CRD"> (h) }"""
GUARD = """(float[2,8] x, float[8,8] w, float zero) => (float[2,8] y) {
    a = MatMul (x, w) s = Softmax (a) n = IsNaN (s) y = Where (n, zero, s) }"""
MENDED = {
    "auto_pad": (model("MaxPool", kernel_shape=[3, 3], auto_pad="SAME_UPPER"), "explicit_pads"),
    "axes": (model("ReduceMean", opset=18), "explicit_axes"),
    "axis": (model("LayerNormalization", {"s": np.ones((8, 8), np.float32)}, axis=2), "spell_out_wide_layer_norm"),
    "scale": (model("LayerNormalization", inputs="x x2", shape=(8, 8)), "spell_out_wide_layer_norm"),
    "alpha": (model("Gemm", {"w": np.ones((8, 5), np.float32)}, shape=(3, 8), alpha=2.0), "split_gemm"),
    "weight": (model("Gemm", inputs="x x2", shape=(8, 8)), "split_gemm"),
    "order": (graph(SHUFFLE), "pixel_shuffle_dcr"),
    "rounding": (
        model("Resize", {"r": np.array([], np.float32), "s": np.array([1, 1, 2, 2], np.float32)}, mode="nearest"),
        "nearest_at_centres",
    ),
    "default": (model("LeakyRelu"), "write_attributes"),
    "defaults": (model("ConvTranspose", {"w": W}, kernel_shape=[3, 3]), "write_attributes"),
    "square": (model("Pow", {"e": np.float32(2)}), "square_as_mul"),
    "vector": (model("Add", {"b": np.ones(5, np.float32)}, shape=(5,)), "vectors_as_rows"),
    "guard": (graph(GUARD, zero=0), "drop_nan_guard"),
    "Dropout": (model("Dropout"), "drop_no_ops"),
    "Gather": (model("Gather", {"i": np.array([1, 2])}, axis=1), "gather_as_slice"),
    "Reciprocal": (model("Reciprocal"), "reciprocal_as_div"),
    "Swish": (model("Swish", opset=24), "spell_out_activations"),
    "QuickGelu": (model("QuickGelu", domain="com.microsoft"), "spell_out_activations"),
}


@pytest.mark.parametrize(("network", "name"), MENDED.values(), ids=MENDED)
def test_the_rewrite_that_is_named_removes_it(network: onnx.ModelProto, name: str) -> None:
    assert {finding.mended_by for finding in lint(network, "AX650")} == {name}
    assert f"the rewrite {name} of a build removes it" in str(lint(network, "AX650")[0])
    changed = prepare(ir.from_proto(network))
    rewrite(changed, [name])
    assert lint(ir.to_proto(changed), "AX650") == []


def test_every_rewrite_for_npus_is_named_and_no_other_that_they_do_not_get() -> None:
    limits = [row for path in FOLDER.glob("*.yaml") if path.stem != "field" for row in _differing(path)]
    named = {name for row in limits for name in row.get("mended", {}).values()}
    named |= {row["mended"] for row in _rows() if "mended" in row} | set(_MENDED.values())
    assert named <= set(defaults("AX650"))
    outside = {"neg_as_mul", "safe_output_names"}  # a Neg is known to work; a name is no operator
    assert set(defaults("AX650")) - set(defaults("host")) - outside <= named


def _differing(path: Path) -> list[dict[str, Any]]:
    table = _read(path)
    return list((table if path.stem == "limits" else table.get("differs", {})).values())


def test_a_nan_guard_after_softmax() -> None:
    before = [
        helper.make_node("Softmax", ["x"], ["s"], "soft", axis=-1),
        helper.make_node("IsNaN", ["s"], ["n"], "nan"),
        helper.make_node("Identity", ["s"], ["zero"], "zeros"),
    ]
    network = model("Where", inputs="n zero s", before=before)
    assert [(finding.node, finding.code) for finding in lint(network, "AX650")] == [("nan", "RB402"), ("it", "RB417")]


def test_scalars_and_last_multiplications() -> None:
    one = [helper.make_node("Mul", ["y", "one"], ["out"], "last")]
    network = model("Relu", {}, after=one)
    network.graph.initializer.append(numpy_helper.from_array(np.array([1], np.float32), "one"))
    assert [finding.code for finding in lint(network, "AX650")] == ["RB416"]


def test_an_output_without_a_dimension() -> None:
    network = model("ReduceSum", keepdims=0, after=[helper.make_node("Relu", ["y"], ["out"], "end")])
    assert [(finding.code, finding.node) for finding in lint(network, "AX650")] == [("RB415", "end")]


def test_constants_that_are_cast_from_bfloat16_and_nodes_that_are_onnx_runtimes_own() -> None:
    network = model(
        "QuickGelu", domain="com.microsoft", after=[helper.make_node("Cast", ["b"], ["out"], "c", to=FLOAT)]
    )
    network.graph.initializer.append(helper.make_tensor("b", TensorProto.BFLOAT16, [1], [1.0]))
    assert [finding.code for finding in lint(network, "AX650")] == ["RB403", "RB419"]


def test_an_lstm_that_takes_its_state() -> None:
    ends = [helper.make_tensor_value_info(name, FLOAT, None) for name in ("x", "h", "c", "y")]
    constants = {"w": np.zeros((1, 8, 8), np.float32), "r": np.zeros((1, 8, 2), np.float32)}
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    for inputs, codes in ((["x", "w", "r"], []), (["x", "w", "r", "", "", "h", "c"], ["RB422"])):
        node = helper.make_node("LSTM", inputs, ["y"], "it", hidden_size=2)
        network = helper.make_model(helper.make_graph([node], "g", ends[:3], ends[3:], held))
        assert [finding.code for finding in lint(network, "AX650")] == codes


def test_as_many_inputs_as_failed() -> None:
    network = model("Relu")
    network.graph.input.extend(helper.make_tensor_value_info(f"x{at}", FLOAT, [1]) for at in range(276))
    assert lint(network, "AX650") == []
    network.graph.input.append(helper.make_tensor_value_info("last", FLOAT, [1]))
    assert [(finding.code, finding.node) for finding in lint(network, "AX650")] == [("RB408", "")]
    held = [numpy_helper.from_array(np.zeros(1, np.float32), value.name) for value in network.graph.input[1:]]
    network.graph.initializer.extend(held)  # older exporters list constants among the inputs
    assert lint(network, "AX650") == []


@pytest.mark.parametrize(
    ("rank", "bias", "codes"),
    [(3, "constant", ["RB407"]), (4, "constant", []), (3, "live", []), (3, "initializer", [])],
)
def test_constant_nodes_that_force_onnxslim_beside_a_product_that_it_breaks(
    rank: int, bias: str, codes: list[str]
) -> None:
    made = [helper.make_node("Constant", [], ["b"], "made", value=numpy_helper.from_array(np.ones((1, 8), np.float32)))]
    add = helper.make_node("Add", ["y", {"live": "x"}.get(bias, "b")], ["out"], "add")
    nodes = [] if bias == "initializer" else made
    network = model("MatMul", {"w": np.ones((8, 8), np.float32)}, shape=(1, 2, 4, 8)[-rank:], before=nodes, after=[add])
    if bias == "initializer":
        network.graph.initializer.append(numpy_helper.from_array(np.ones((1, 8), np.float32), "b"))
    findings = [one for one in lint(network, "AX650") if one.operator != "Constant"]
    assert [one.code for one in findings] == codes
    assert all("three-dimensional MatMul it" in one.reason for one in findings)


@pytest.mark.parametrize(
    ("hardware", "mode", "rows", "codes"),
    [
        ("AX650", "NPU1", 6000, []),
        ("AX650", "NPU1", 7000, ["RB409"]),
        ("AX650", "NPU3", 7000, []),
        ("AX650", "NPU3", 24000, ["RB409"]),
        ("AX650", "NPU2", 24000, []),  # nobody published it
        ("AX650", "", 24000, []),
        ("AX620E", "NPU1", 24000, []),
    ],
)
def test_a_table_that_does_not_fit_on_the_chip(hardware: str, mode: str, rows: int, codes: list[str]) -> None:
    lookup = helper.make_node("Gather", ["table", "x"], ["out"], "lookup")
    ids = helper.make_tensor_value_info("x", TensorProto.INT32, [4])
    table = numpy_helper.from_array(np.zeros((rows, 512), np.int8), "table")
    outputs = [helper.make_tensor_value_info("out", TensorProto.INT8, [4, 512])]
    network = helper.make_model(
        helper.make_graph([lookup], "g", [ids], outputs, [table]), opset_imports=[helper.make_opsetid("", 17)]
    )
    assert [finding.code for finding in lint(network, hardware, mode)] == codes


def test_an_embedding_of_a_batch_of_ids_is_told_what_to_do() -> None:
    text = "(float[1,4] x, float[9,4] table, int64[1,7] ids) => (float[1,7,4] y) { y = Gather<axis = 0>(table, ids) }"
    finding = next(each for each in lint(graph(text, ids=[[1] * 7]), "AX650") if each.code == "RB405")
    assert "rank 2, and only 1 is taken: as an embedding of ids 1x7, feed them as one axis" in str(finding)


def test_a_gather_with_constant_indices_is_slow() -> None:
    network = model("Gather", {"i": np.array([0, 2])}, axis=1)
    assert [(finding.code, finding.rewrite) for finding in lint(network, "AX650")] == [("RB420", "Slice or Split")]
    two = model("Gather", {"i": np.array([[0, 2]])}, axis=1)
    assert [finding.code for finding in lint(two, "AX650")] == ["RB405", "RB420"]


@pytest.mark.parametrize(
    ("hardware", "kind", "findings"),
    [
        ("AX650", "CumSum", 1),
        ("AX637", "CumSum", 0),
        ("M57", "CumSum", 0),
        ("AX620E", "Floor", 1),
        ("AX650N", "Floor", 0),
        ("M76H", "Floor", 0),
        ("AX615", "Neg", 0),
    ],
)
def test_tables_differ(hardware: str, kind: str, findings: int) -> None:
    constants = {"axis": np.int64(1)} if kind == "CumSum" else {}
    assert len(lint(model(kind, constants), hardware)) == findings


def test_small_sizes_only() -> None:
    network = model("LayerNormalization", {"s": np.ones(8192, np.float32)}, shape=(1, 2, 8192), axis=-1)
    assert [finding.severity for finding in lint(network, "AX615")] == ["slow"]
    assert lint(network, "AX650") == []


def test_hardware_without_a_table() -> None:
    with pytest.raises(RecipeError, match="no table of operators for AX8860") as caught:
        lint(model("Relu"), "AX8860")
    assert "AX650" in caught.value.remedy


def test_the_tables_are_whole() -> None:
    counts = {hardware: len(_table(hardware)) for hardware in ("AX650", "AX620E", "AX615", "AX637", "M57")}
    assert counts == {"AX650": 92, "AX620E": 74, "AX615": 71, "AX637": 95, "M57": 95}
    published = {chip.name for chip in CHIPS.values() if chip.published}
    assert published - {"AX8860"} == set(hardware_with_tables())


def test_the_tables_name_operators_and_conditions_that_exist() -> None:
    limits = _read(FOLDER / "limits.yaml")
    for path in FOLDER.glob("*.yaml"):
        assert yaml.safe_load(path.read_text()), path
    differing = [row for path in FOLDER.glob("*.yaml") if path.stem not in ("limits", "field") for row in
                 _read(path).get("differs", {}).values()]  # fmt: skip
    named = {check for row in [*limits.values(), *differing] for check in row.get("checks", ())}
    named |= {row["slow"] for row in [*limits.values(), *differing] if "slow" in row}
    named |= {row["if"] for row in _rows() if "if" in row}
    assert named == set(CONDITIONS)
    everywhere = set().union(*(_table(hardware) for hardware in ("AX650", "AX637")))
    assert set(limits) <= everywhere
    assert {row["verdict"] for row in _rows()} == {"works", "fails", "wrong", "slow"}


def test_inspect_and_its_exit_code(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from recipebuild.cli.app import app

    onnx.save(model("Einsum", equation="bchw->bwhc"), tmp_path / "a.onnx")
    bad = CliRunner().invoke(app, ["inspect", str(tmp_path / "a.onnx"), "--hardware", "AX650"])
    assert bad.exit_code == 5
    assert "fails    RB402 Einsum it: is not in the table" in bad.output
    assert CliRunner().invoke(app, ["inspect", str(tmp_path / "a.onnx")]).exit_code == 0
    document = json.loads(CliRunner().invoke(app, ["inspect", str(tmp_path / "a.onnx"), "--json"]).output)
    assert document["operators"] == {"Einsum": 1, "Identity": 1}
    assert "findings" not in document


def test_check_lints_an_onnx_file(tmp_path: Path, street_images: Path) -> None:
    from recipebuild.session import Options
    from recipebuild.verbs.check import check

    onnx.save(model("Einsum", equation="bchw->bwhc"), tmp_path / "a.onnx")
    (tmp_path / "r.yaml").write_text(
        "model: {source: ./a.onnx}\ninput: {name: x, shape: [1, 3, 8, 8], mean: [0, 0, 0], std: [1, 1, 1]}\n"
        f"calibration: {{source: {street_images}}}\n"
    )
    (checked,) = check([str(tmp_path / "r.yaml")], Options(store=tmp_path / "store"))
    assert "warning: RB402 AX650: Einsum it: is not in the table of the NPU's operators" in "\n".join(checked.notes)
