"""Plans on a GPU: which steps go there, and that nothing changes without one."""

from __future__ import annotations

from importlib import import_module

import pytest

from recipebuild.machine import resolve_device
from recipebuild.plan.device import with_device, with_runtime
from recipebuild.plan.kinds import KINDS
from recipebuild.plan.plan import Plan
from recipebuild.session import Options, prepare

FACTS = {"gpu": "NVIDIA H100", "onnxruntime-gpu": "1.23.0"}


@pytest.fixture(scope="module")
def planned() -> Plan:
    (job,) = prepare(["quickstart"], Options(sets=["target.toolchain=onnxruntime"]))
    return job.plan


def test_on_the_cpu_a_plan_is_what_it_was(planned: Plan) -> None:
    assert with_device(planned, "cpu", {}) is planned
    assert all("device" not in step.params for step in planned.steps)


def test_evidence_goes_to_the_gpu_and_calibration_does_not(planned: Plan) -> None:
    steps = {step.name: step for step in with_device(planned, "cuda:1", FACTS).steps}
    moved = {name for name, step in steps.items() if "gpu" in step.resources}
    assert {"answers-float", "answers-quantized", "rungs", "layers", "preview"} <= moved
    assert not moved & {"export", "rewrite", "calibrate", "compile", "verify", "evaluate", "bundle"}
    for name in moved:
        assert (steps[name].params["device"], steps[name].facts["gpu"]) == ("cuda:1", "NVIDIA H100")
    before = {step.name: step for step in planned.steps}
    assert all(steps[name] == before[name] for name in steps.keys() - moved)


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if kind.device))
def test_each_step_that_goes_there_takes_a_device(kind: str) -> None:
    field = import_module(KINDS[kind].module).Params.model_fields["device"]
    assert field.default == "cpu"


def test_another_distribution_of_onnx_runtime_counts_in_all_keys(planned: Plan) -> None:
    assert with_runtime(planned, "onnxruntime") is planned
    swapped = with_runtime(planned, "onnxruntime-gpu")
    assert not any("onnxruntime" in step.tools for step in swapped.steps)
    (bundle,) = (step for step in swapped.steps if step.name == "bundle")
    assert "onnxruntime-gpu" in bundle.tools and "onnxruntime-gpu" in bundle.params["tools"]


def test_the_environment_names_a_device_and_the_option_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setenv("RECIPEBUILD_DEVICE", "cuda")
    assert "RB509" in resolve_device(Options().wanted_device).note
    assert not resolve_device(Options(device="cpu").wanted_device).note
    (job,) = prepare(["quickstart"], Options())
    assert any(note.startswith("note: RB509 cuda:0 cannot be used") for note in job.notes)
    assert all("device" not in step.params for step in job.plan.steps)
