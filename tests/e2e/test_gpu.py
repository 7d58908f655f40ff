"""A run with --device cuda, on a machine that has an NVIDIA GPU which ONNX Runtime can use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.project import Project

from recipebuild.toolkit.evaluate.device import resolve


def test_a_gpu_measures_what_the_cpu_measures(make_built_project: Callable[[], Project]) -> None:
    name, note = resolve("cuda")
    if name == "cpu":
        pytest.skip(note)
    project = make_built_project()
    on_cpu = project.manifest()
    project.command("run", project.recipe, "--device", "cuda")
    on_gpu = project.manifest()
    assert {"answers-float", "answers-quantized", "evaluate"} <= project.built()
    assert not {"export", "calibrate", "quantize"} & project.built()

    cpu, gpu = ({step["name"]: step["metrics"] for step in made["steps"]} for made in (on_cpu, on_gpu))
    assert "device" not in cpu["answers-quantized"] and gpu["answers-quantized"]["device"] == name
    assert not gpu["answers-quantized"].get("warnings")
    for figure in ("miou_float", "miou_quantized"):
        assert gpu["evaluate"][figure] == pytest.approx(cpu["evaluate"][figure], abs=1e-3)
