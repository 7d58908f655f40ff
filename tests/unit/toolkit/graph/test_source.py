"""ONNX files as models: same bytes, or external data under one expected name; and what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.source import check_source, copy_onnx

if TYPE_CHECKING:
    import onnx


def write_model(path: Path, **options: object) -> None:
    """Y = X + (weight of 4096 floats), saved with the ``options`` of onnx.save_model."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.arange(4096, dtype=np.float32), "weight")
    bias = numpy_helper.from_array(np.ones(4096, dtype=np.float32), "bias")
    nodes = [helper.make_node("Add", ["x", "weight"], ["h"]), helper.make_node("Add", ["h", "bias"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4096]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, path, **options)


def test_a_model_in_one_file_keeps_its_bytes(tmp_path: Path) -> None:
    write_model(tmp_path / "net.onnx")
    copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == (tmp_path / "net.onnx").read_bytes()
    assert not (tmp_path / "model.onnx.data").exists()


@pytest.mark.parametrize("location", ["net.onnx.data", "net.onnx_data"])
def test_external_data_comes_along_under_the_expected_name(location: str, tmp_path: Path) -> None:
    import numpy as np
    import onnxruntime

    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    write_model(source / "net.onnx", save_as_external_data=True, location=location)
    copy_onnx(source / "net.onnx", out / "model.onnx")
    assert {path.name for path in out.iterdir()} == {"model.onnx", "model.onnx.data"}
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.zeros(4096, dtype=np.float32)})
    assert np.array_equal(y, np.arange(4096, dtype=np.float32) + 1)


@pytest.mark.parametrize("location", ["weights.bin", None], ids=["another name", "a file per tensor"])
def test_data_that_is_not_named_after_the_model_is_refused_with_the_way_out(location: str, tmp_path: Path) -> None:
    one_file = location is not None
    write_model(tmp_path / "net.onnx", save_as_external_data=True, all_tensors_to_one_file=one_file, location=location)
    with pytest.raises(StepError, match="not in a file named after it") as caught:
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert "location='m.onnx.data'" in caught.value.remedy


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    for content in (b"", b"not protobuf \xff\xff\xff", b"<html></html>"):
        (tmp_path / "net.onnx").write_bytes(content)
        with pytest.raises(StepError, match=r"model\.source: .*net\.onnx is not an ONNX model"):
            copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    write_model(tmp_path / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    (tmp_path / "net.onnx.data").unlink()
    with pytest.raises(StepError, match=r"model\.source: the external data of net\.onnx, net\.onnx\.data, is missing"):
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")


def test_external_data_cut_short_is_named(tmp_path: Path) -> None:
    write_model(tmp_path / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    data = tmp_path / "net.onnx.data"
    data.write_bytes(data.read_bytes()[:-8])
    with pytest.raises(StepError, match=r"external data of net\.onnx, net\.onnx\.data, is cut short"):
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd"])
def test_external_data_outside_the_folder_is_refused(location: str, tmp_path: Path) -> None:
    import onnx

    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(64 * 1024))
    write_model(folder / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    model = onnx.load(folder / "net.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    onnx.save_model(model, folder / "net.onnx")
    with pytest.raises(StepError, match="outside its folder"):
        copy_onnx(folder / "net.onnx", tmp_path / "model.onnx")


def test_a_link_as_external_data_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_model(folder / "net.onnx", save_as_external_data=True, location="net.onnx.data")
    (folder / "net.onnx.data").rename(tmp_path / "elsewhere.bin")
    (folder / "net.onnx.data").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(StepError, match="outside its folder"):
        copy_onnx(folder / "net.onnx", tmp_path / "model.onnx")


def later_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 99


def early_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 5


def later_ir(model: onnx.ModelProto) -> None:
    model.ir_version = 99


def no_opset(model: onnx.ModelProto) -> None:
    del model.opset_import[:]


def no_inputs(model: onnx.ModelProto) -> None:
    del model.graph.input[:]


def no_outputs(model: onnx.ModelProto) -> None:
    del model.graph.output[:]


def an_input_twice(model: onnx.ModelProto) -> None:
    model.graph.input.append(model.graph.input[0])


def unknown_tensor(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[1] = "nothing"


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Magic"


def operator_of_others(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.acme"
    model.opset_import.add(domain="com.acme", version=1)


@pytest.mark.parametrize(
    ("change", "message", "remedy"),
    [
        (later_opset, "is of opset 99; known here are 7 to", "opset_version=17"),
        (early_opset, "is of opset 5; known here are 7 to", "opset_version=17"),
        (later_ir, "has the IR version 99; known here are 1 to", "ir_version"),
        (no_opset, "is not valid ONNX: .*opset_import", "export it again"),
        (no_inputs, "has no inputs", "export it again"),
        (no_outputs, "has no outputs", "export it again"),
        (an_input_twice, "has 2 inputs of the name x", "export it again"),
        (unknown_tensor, "is not valid ONNX: .*nothing", "export it again"),
        (unknown_operator, r"has operators that neither ONNX nor ONNX Runtime has: Magic \(1\)", "before export"),
        (
            operator_of_others,
            r"has operators that neither ONNX nor ONNX Runtime has: com\.acme\.Add \(1\)",
            "before export",
        ),
    ],
)
def test_a_model_that_a_build_cannot_begin_with_is_refused(
    change: Callable[[onnx.ModelProto], None], message: str, remedy: str, tmp_path: Path
) -> None:
    import onnx

    write_model(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    change(model)
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(StepError, match=rf"^model\.source: net\.onnx {message}") as caught:
        copy_onnx(tmp_path / "net.onnx", tmp_path / "model.onnx")
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.message
    assert not (tmp_path / "model.onnx").exists()


def test_operators_of_onnx_runtime_and_functions_of_the_model_are_its_own(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    write_model(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    model.graph.node[0].CopyFrom(helper.make_node("Plus", ["x", "weight"], ["h"], domain="mine"))
    model.graph.node[1].CopyFrom(helper.make_node("BiasGelu", ["h", "bias"], ["y"], domain="com.microsoft"))
    opsets = [*model.opset_import, helper.make_opsetid("mine", 1), helper.make_opsetid("com.microsoft", 1)]
    plus = helper.make_function("mine", "Plus", ["a", "b"], ["c"], [helper.make_node("Add", ["a", "b"], ["c"])], opsets)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    model.functions.append(plus)
    onnx.save(model, tmp_path / "net.onnx")
    assert len(check_source(tmp_path / "net.onnx").graph.node) == 2


def test_an_opset_that_onnx_runtime_cannot_run_is_refused(tmp_path: Path) -> None:
    import onnx

    from recipebuild.toolkit.graph import sound

    newest = onnx.defs.onnx_opset_version()
    known = [opset for opset in range(21, newest + 1) if sound._runs(opset)]
    write_model(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    for opset in (known[-1], known[-1] + 1):
        model.opset_import[0].version = opset
        onnx.save(model, tmp_path / f"{opset}.onnx")
    check_source(tmp_path / f"{known[-1]}.onnx")
    with pytest.raises(StepError, match=f"is of opset {known[-1] + 1}; ") as caught:
        check_source(tmp_path / f"{known[-1] + 1}.onnx")
    assert "opset_version=17" in caught.value.remedy


HALF = {
    "weights": "(float[1,3,4,4] x, float16[1] w) => (float[1,3,4,4] y) { h = Cast <to=10> (x) a = Mul (h, w) "
    "y = Cast <to=1> (a) }",
    "input": "(float16[1,3,4,4] x) => (float16[1,3,4,4] y) { y = Relu (x) }",
}


@pytest.mark.parametrize("text", HALF.values(), ids=HALF)
def test_a_model_that_computes_in_16_bits_is_refused(text: str, tmp_path: Path) -> None:
    import onnx
    from support.graphs import graph

    onnx.save(graph(text), tmp_path / "net.onnx")
    with pytest.raises(StepError, match=r"net\.onnx computes in float16 \((Cast h|Relu y)\)") as caught:
        check_source(tmp_path / "net.onnx")
    assert "model.float()" in caught.value.remedy


def test_weights_that_are_only_kept_in_16_bits_will_do(tmp_path: Path) -> None:
    import onnx
    from support.graphs import graph

    text = "(float[1,3,4,4] x, float16[1] w) => (float[1,3,4,4] y) { h = Cast <to=1> (w) y = Mul (x, h) }"
    onnx.save(graph(text), tmp_path / "net.onnx")
    check_source(tmp_path / "net.onnx")


def test_a_quantized_model_is_refused_unless_it_may_be(tmp_path: Path) -> None:
    import onnx
    from support.graphs import graph

    text = """(float[1,3,4,4] x, float s, uint8 z) => (float[1,3,4,4] y) {
        q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) y = Relu (d) }"""
    onnx.save(graph(text, s=0.1, z=0), tmp_path / "net.onnx")
    with pytest.raises(StepError, match="is quantized already: QuantizeLinear q is one of 2 such nodes") as caught:
        check_source(tmp_path / "net.onnx")
    assert "model_type: QuantONNX" in caught.value.remedy
    check_source(tmp_path / "net.onnx", quantized=True)
