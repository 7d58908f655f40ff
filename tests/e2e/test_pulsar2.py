"""The whole way with Pulsar2, as a user goes it; the tool is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.formats import follows
from support.project import Project

CONFIG = {
    "npu_mode": "NPU3",
    "quant": {
        "input_configs": [
            {
                "tensor_name": "pixel_values",
                "calibration_dataset": "images.zip",
                "calibration_mean": [0.485, 0.456, 0.406],
                "calibration_std": [0.229, 0.224, 0.225],
            }
        ]
    },
    "input_processors": [{"tensor_name": "pixel_values", "src_dtype": "U8", "src_layout": "NHWC"}],
    "debug": {"disable_auto_set_extremum_op_fp32": True},
}


def test_from_recipe_to_accuracy_of_the_compiled_model(
    make_built_project: Callable[[], Project], standins: Callable[..., Path]
) -> None:
    standins("pulsar2")
    project = make_built_project()
    sets = [
        "target.runtime_input.format=BGR",
        "quantization.layers=[{module: decode_head.*, dtype: U16}]",
        "compiler.npu_perf=true",
    ]
    words = [word for text in sets for word in ("--set", text)]
    done = project.command("run", project.recipe, *words)
    assert "toolchain  Pulsar2 7.0" in done.stdout
    manifest = project.manifest()
    steps = {step["name"]: step for step in manifest["steps"]}
    assert {"channels", "compile", "simulate", "simulate-reference", "evaluate"} <= set(steps)
    rungs = [row["rung"] for row in steps["ladder"]["metrics"]["rows"]]
    assert rungs[-3:] == ["head", "emulated", "simulated"]
    config = json.loads((project.build / "pulsar2.json").read_text())
    assert config["input_processors"][0]["src_format"] == "BGR"
    asked = config["quant"]["layer_configs"][0]["layer_names"]
    assert steps["compile"]["metrics"]["precisions"]["U16"] == len(asked) > 0
    assert "warnings" not in steps["compile"]["metrics"]
    assert steps["compile"]["metrics"]["npu_perf"]["operators"][0]["module"]
    assert 0 <= manifest["metrics"]["miou_quantized"] <= 1
    compiled = project.command("inspect", project.build / "compiled.axmodel").stdout
    assert "pixel_values (uint8 1x64x128x3) NHWC BGR" in compiled
    assert "NPU mode NPU3" in compiled

    checked = project.command("check", project.recipe, *words).stdout
    assert "tiny: ok" in checked
    nothing = ["--set", "quantization.layers=[{module: decoder.*, dtype: U16}]", *words[:2], *words[4:]]
    unmatched = project.command("check", project.recipe, *nothing, code=2).stderr
    assert "]: quantization.layers: decoder.* matches no layer" in unmatched
    again = project.command("run", project.recipe, *words).stdout
    assert "nothing to do" in again


def test_outputs_in_another_order_of_axes_have_the_same_figures(
    make_built_project: Callable[[], Project], standins: Callable[..., Path]
) -> None:
    standins("pulsar2")
    project = make_built_project()
    figures, rungs = [], []
    for outputs in ("[]", "[{name: argmax_output, permute: [0, 2, 3, 1]}]"):
        project.command("run", project.recipe, "--set", f"target.runtime_outputs={outputs}")
        steps = {step["name"]: step["metrics"] for step in project.manifest()["steps"]}
        figures.append(steps["evaluate"])
        rungs.append(steps["ladder"]["rows"])
    assert figures[0] == figures[1]
    assert rungs[0] == rungs[1] and rungs[0][-1]["rung"] == "simulated"
    (output,) = json.loads((project.build / "bundle" / "model.json").read_text())["outputs"]
    follows("model", project.build / "bundle" / "model.json")
    assert (output["shape"], output["permuted"]) == ([1, 16, 32, 1], [0, 2, 3, 1])


def test_what_a_strict_recipe_refuses_was_compiled_once_and_for_all(
    make_project: Callable[[], Project],
    standins: Callable[..., Path],
    small_onnx: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standins("pulsar2")
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "drops")
    project = make_project()
    project.recipe.write_text(f"""\
model: {{source: {small_onnx}}}
input: {{shape: [1, 3, 16, 32], mean: [0, 0, 0], std: [255, 255, 255]}}
calibration: {{source: ./images, count: 4}}
quantization: {{strict: true, layers: [{{op: Conv, dtype: U16}}]}}
""")
    failed = project.command("run", project.recipe, code=5)
    assert "judge: precisions that quantization.layers asks for have no effect: Conv" in failed.stderr
    assert "asked for U16, got U8" in failed.stderr
    statuses = {step["name"]: step["status"] for step in project.manifest()["steps"]}
    assert (statuses["compile"], statuses["judge"], statuses["bundle"]) == ("built", "failed", "skipped")
    project.command("run", project.recipe, "--set", "quantization.strict=false")
    assert project.built() == {"judge", "bundle"}


def test_a_model_of_several_inputs(make_project: Callable[[], Project], standins: Callable[..., Path]) -> None:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    project = make_project()
    weight = np.random.default_rng(0).standard_normal((6, 3, 4, 4), dtype=np.float32) * np.float32(0.03)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "w"], ["c"], "conv", kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Mul", ["c", "mask"], ["logits"], "masked"),
        ],
        "g",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 64, 128]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 16, 32]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 6, 16, 32])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, project.folder / "recipes" / "two.onnx")
    recipe = project.folder / "recipes" / "two.yaml"
    base = """\
model: {source: ./two.onnx}
input: {name: image, shape: [1, 3, 64, 128], mean: [0, 0, 0], std: [255, 255, 255]}
calibration: {source: ./images, count: 4, format: NumpyObject}
"""
    recipe.write_text(base)
    failed = project.command("check", recipe, code=2)
    assert "describe mask in inputs or more_inputs" in failed.stderr and "two.yaml:2" in failed.stderr

    recipe.write_text(base + "more_inputs: [{name: mask, shape: [1, 1, 16, 32], source: ./masks}]\n")
    masks = project.folder / "recipes" / "masks"
    masks.mkdir()
    for at in range(6):
        np.save(masks / f"street-{at}.npy", np.random.default_rng(at).random((1, 1, 16, 32), dtype=np.float32))
    missing = project.command("run", recipe, "--set", "target.toolchain=pulsar2", code=4)
    assert "Pulsar2 is not on this machine" in missing.stderr

    standins("pulsar2")
    project.command("run", recipe)
    build = project.folder / "build" / "two"
    manifest = json.loads((build / "manifest.json").read_text())
    steps = {step["name"]: step for step in manifest["steps"]}
    assert not {"preview", "evaluate", "simulate"} & set(steps)
    assert steps["verify"]["metrics"]["relative"] < 1e-6
    assert [entry["name"] for entry in steps["compile"]["metrics"]["inputs"]] == ["image", "mask"]
    config = json.loads((build / "bundle" / "pulsar2.json").read_text())
    (calibration,) = config["quant"]["input_configs"]
    assert (calibration["tensor_name"], calibration["calibration_format"]) == ("DEFAULT", "NumpyObject")
    described = json.loads((build / "bundle" / "model.json").read_text())
    follows("model", build / "bundle" / "model.json")
    assert described["more_inputs"] == [{"name": "mask", "shape": [1, 1, 16, 32], "dtype": "float32"}]
    named = (build / "bundle" / "provenance.json").read_text()
    assert "more_mask/street-0.npy" in named

    project.command("lock", recipe)
    project.command("run", recipe, "--locked")
    for path in masks.iterdir():
        np.save(path, np.zeros((1, 1, 16, 32), np.float32))
    assert "samples" in project.command("run", recipe, "--locked", code=5).stderr
    (masks / "street-0.npy").unlink()
    again = project.command("run", recipe, "--set", "calibration.count=6", code=3)
    assert "mask has no file street-0.npy" in again.stderr


QDQ = """
<ir_version: 8, opset_import: ["" : 17]>
qdq (float[1,3,32,48] image) => (float[1,5,32,48] logits)
{
    s = Constant<value = float {0.02}>()
    z = Constant<value = uint8 {128}>()
    ws = Constant<value = float {0.005}>()
    wz = Constant<value = int8 {0}>()
    q = QuantizeLinear(image, s, z)
    d = DequantizeLinear(q, s, z)
    wd = DequantizeLinear(w, ws, wz)
    c = Conv<pads = [1,1,1,1]>(d, wd)
    cq = QuantizeLinear(c, s, z)
    logits = DequantizeLinear(cq, s, z)
}
"""


def test_a_model_that_is_quantized_already_needs_no_calibration_set(
    make_project: Callable[[], Project], standins: Callable[..., Path]
) -> None:
    import numpy as np
    import onnx
    from onnx import numpy_helper, parser

    standins("pulsar2")
    project = make_project()
    model = parser.parse_model(QDQ)
    codes = np.random.default_rng(0).integers(-127, 127, (5, 3, 3, 3), dtype=np.int8)
    model.graph.initializer.append(numpy_helper.from_array(codes, "w"))
    onnx.save(model, project.folder / "qdq.onnx")
    config = {"input": "qdq.onnx", "output_dir": "out", "model_type": "QuantONNX", "npu_mode": "NPU3"}
    (project.folder / "old.json").write_text(json.dumps(config))
    messages = project.command("import", "old.json", "--onnx", "qdq.onnx", "-o", "qdq.yaml").stderr
    assert "fill in" not in messages and "calibration" not in (project.folder / "qdq.yaml").read_text()
    checked = project.command("check", "qdq.yaml")
    assert "RB4" not in checked.stdout + checked.stderr, "nothing is said of the nodes that tell scales"
    done = project.command("run", "qdq.yaml")
    assert "RB4" not in done.stderr
    build = project.folder / "build" / "qdq"
    steps = {step["name"] for step in json.loads((build / "manifest.json").read_text())["steps"]}
    assert {"verify", "compile", "bundle"} <= steps and not {"calibrate", "tensors", "preview"} & steps
    assert "input_configs" not in json.loads((build / "bundle" / "pulsar2.json").read_text()).get("quant", {})
    assert "Quantized before this build." in (build / "bundle" / "README.md").read_text()

    float_ = project.command("check", "qdq.yaml", "--set", "pulsar2.model_type=ONNX", code=2)
    assert "calibration: is missing" in float_.stderr


def test_import_render_and_inspect(make_project: Callable[[], Project]) -> None:
    project = make_project()
    (project.folder / "config.json").write_text(json.dumps(CONFIG) + "  // as people write them")
    made = project.command("import", "config.json", "-o", "old.yaml")
    assert "warning: RB102 quant.input_configs[0].calibration_mean" in made.stderr
    assert "note: RB313 debug.disable_auto_set_extremum_op_fp32 is not documented" in made.stderr
    assert "fill in: input.shape" in made.stderr
    rendered = json.loads(project.command("render", "old.yaml").stdout)
    assert rendered["debug"] == CONFIG["debug"]
    assert rendered["quant"]["input_configs"][0]["calibration_mean"] == [0.485, 0.456, 0.406]
    again = project.command("import", "config.json", "-o", "old.yaml", code=2)
    assert "is there already" in again.stderr
    answer = json.loads(project.command("import", "config.json", "--json").stdout)
    assert [mistake["kind"] for mistake in answer["mistakes"]] == ["units"]
    project.command("import", "missing.json", code=2)
    project.command("inspect", "missing.onnx", code=2)
    project.command("inspect", "config.json", "--hardware", "AX650", code=3)
