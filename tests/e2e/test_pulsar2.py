"""The whole way with Pulsar2, as a user goes it; the tool is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

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
    "debug": {"dump_frontend_graph": True},
}


def test_from_recipe_to_accuracy_of_the_compiled_model(
    make_project: Callable[[], Project], standins: Callable[..., Path]
) -> None:
    standins("pulsar2")
    project = make_project()
    sets = [
        "target.runtime_input.format=BGR",
        "quantization.layers=[{module: decode_head.*, dtype: U16}]",
        "compiler.npu_perf=true",
    ]
    words = [word for text in sets for word in ("--set", text)]
    done = project.command("run", project.recipe, *words)
    assert "toolchain: Pulsar2 7.0" in done.stdout
    manifest = project.manifest()
    steps = {step["name"]: step for step in manifest["steps"]}
    assert {"channels", "compile", "simulate", "evaluate"} <= set(steps)
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
    again = project.command("run", project.recipe, *words).stdout
    assert "nothing to do" in again


def test_import_render_and_inspect(make_project: Callable[[], Project]) -> None:
    project = make_project()
    (project.folder / "config.json").write_text(json.dumps(CONFIG) + "  // as people write them")
    made = project.command("import", "config.json", "-o", "old.yaml")
    assert "warning: quant.input_configs[0].calibration_mean" in made.stderr
    assert "debug.dump_frontend_graph is not documented" in made.stderr
    assert "fill in: input.shape" in made.stderr
    rendered = json.loads(project.command("render", "old.yaml").stdout)
    assert rendered["debug"] == CONFIG["debug"]
    assert rendered["quant"]["input_configs"][0]["calibration_mean"] == [0.485, 0.456, 0.406]
    again = project.command("import", "config.json", "-o", "old.yaml", code=2)
    assert "is there already" in again.stderr
    told = json.loads(project.command("import", "config.json", "--json").stdout)
    assert [mistake["kind"] for mistake in told["mistakes"]] == ["units"]
    project.command("import", "missing.json", code=2)
    project.command("inspect", "missing.onnx", code=2)
    project.command("inspect", "config.json", "--hardware", "AX650", code=3)
