"""Devices: what a machine without a GPU makes of them, and, with a stand-in for one, what follows when it is full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from recipebuild.errors import RecipeError
from recipebuild.toolkit.evaluate.device import CUDA, DeviceSession, on_device, providers, resolve, using

FULL = "Non-zero status code: Failed to allocate memory for requested buffer of size 26214400"


class StandInSession:
    """In place of an ONNX Runtime session: it says where it runs, and on a GPU fails with ``trouble``."""

    def __init__(self, providers: Sequence[Any], trouble: str = "", taken: bool = True) -> None:
        self.cuda = providers[0] != "CPUExecutionProvider"
        self.trouble, self.taken = trouble, taken

    def get_providers(self) -> list[str]:
        return [*([CUDA] if self.cuda and self.taken else []), "CPUExecutionProvider"]

    def run(self, names: object, feeds: object) -> list[str]:
        if self.cuda and self.trouble:
            raise RuntimeError(self.trouble)
        return ["cuda" if self.cuda else "cpu"]


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", "cpu:0", ""])
def test_what_is_no_device_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="no such device") as error:
        resolve(text)
    assert "auto, cpu, cuda" in error.value.remedy


def test_auto_is_the_cpu_without_a_word_where_there_is_no_gpu(no_gpu: None) -> None:
    assert resolve("auto") == ("cpu", "")
    assert resolve("cpu") == ("cpu", "")


def test_cuda_is_the_cpu_with_a_word_where_there_is_no_gpu(no_gpu: None) -> None:
    name, note = resolve("cuda:1")
    assert name == "cpu"
    assert note.startswith("RB509 cuda:1 cannot be used: ") and "pip install '.[gpu]'" in note


def test_a_provider_that_makes_no_session_on_the_gpu_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda model, options, providers: StandInSession(providers, taken=False)
    )
    assert resolve("auto") == ("cpu", "")
    assert "does not find CUDA's libraries" in resolve("cuda")[1]


def test_auto_is_the_gpu_where_a_session_can_be_made_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda model, options, providers: StandInSession(providers))
    assert resolve("auto") == ("cuda:0", "")
    assert resolve("cuda:3") == ("cuda:3", "")


def test_a_gpu_computes_in_float32_with_one_algorithm() -> None:
    first, last = providers("cuda:2")
    assert (first[0], last) == (CUDA, "CPUExecutionProvider")
    assert first[1] == {"device_id": "2", "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    assert providers("cpu") == ("CPUExecutionProvider",)


def test_outside_of_a_step_sessions_are_on_the_cpu() -> None:
    assert DeviceSession(StandInSession).run(None, {}) == ["cpu"]


def test_a_full_gpu_leaves_the_rest_to_the_cpu_and_is_said() -> None:
    trouble = [""]
    with using("cuda:0") as device:
        first = DeviceSession(lambda providers: StandInSession(providers, trouble[0]))
        second = DeviceSession(lambda providers: StandInSession(providers))
        assert first.run(None, {}) == second.run(None, {}) == ["cuda"]
        assert device.figures() == {"device": "cuda:0"}
        first._session.trouble = FULL
        assert first.run(None, {}) == ["cpu"]
        assert second.run(None, {}) == ["cpu"], "what is left of the step runs on the CPU"
        assert DeviceSession(StandInSession).run(None, {}) == ["cpu"]
    (warning,) = device.figures()["warnings"]
    assert warning == "RB509 cuda:0: its memory was used up; what was left ran on the CPU"


def test_a_model_that_does_not_fit_the_gpu_is_loaded_on_the_cpu() -> None:
    def make(providers: Sequence[Any]) -> StandInSession:
        if providers[0] != "CPUExecutionProvider":
            raise RuntimeError("CUDA failure 2: out of memory ; GPU=0")
        return StandInSession(providers)

    with using("cuda:0") as device:
        assert DeviceSession(make).run(None, {}) == ["cpu"]
    assert "memory was used up" in device.warnings[0]


def test_another_failure_on_the_gpu_stays_one() -> None:
    with using("cuda:0") as device:
        session = DeviceSession(lambda providers: StandInSession(providers, "an illegal access"))
        with pytest.raises(RuntimeError, match="illegal access"):
            session.run(None, {})
    assert not device.warnings


def test_a_step_says_in_its_figures_which_gpu_it_ran_on() -> None:
    class Params:
        device = "cuda:1"

    @on_device
    def run(inputs: Any, params: Any, out: Any, progress: Any) -> dict[str, Any]:
        DeviceSession(lambda providers: StandInSession(providers, FULL)).run(None, {})
        return {"images": 2, "warnings": ["its own"]}

    figures = run({}, Params, None, None)
    assert (figures["images"], figures["device"]) == (2, "cuda:1")
    assert figures["warnings"][0] == "its own" and figures["warnings"][1].startswith("RB509 cuda:1")
    Params.device = "cpu"
    assert run({}, Params, None, None) == {"images": 2, "warnings": ["its own"]}
