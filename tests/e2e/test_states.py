"""Models with a state: what they give for a sample is fed with the next one, here and by the bundle's program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import numpy as np
import onnxruntime
import pytest
from support.project import Project
from support.voice import save_voice

from recipebuild.toolkit.calibration.samples import read_samples
from recipebuild.toolkit.evaluate.recorded import Recorded

RECIPE = """\
model: {source: ./voice.onnx, task: other}
inputs:
  - {kind: tensor, name: audio, shape: [1, 64], dtype: float32, source: ./calls}
  - {kind: tensor, name: state, shape: [2, 1, 8], dtype: float32, feedback: next}
  - {kind: tensor, name: rate, shape: [1], dtype: int64, source: ./calls}
head: {kind: none}
calibration: {count: 6}
evaluate: {dataset: ./heldout}
target: {toolchain: onnxruntime}
"""


@pytest.fixture(scope="module")
def voice(make_project: Callable[[], Project]) -> Project:
    """Two calls of four frames to calibrate with, and two to evaluate on."""
    project = make_project()
    folder, rng = project.folder / "recipes", np.random.default_rng(0)
    save_voice(folder / "voice.onnx", rng)
    for name in ("calls", "heldout"):
        (folder / name).mkdir()
        for call in ("a", "b"):
            for at in range(4):
                audio = rng.uniform(-2, 3, (1, 64)).astype(np.float32)
                np.savez(folder / name / f"{call}-{at}.npz", audio=audio, rate=np.array([1]))
    (folder / "voice.yaml").write_text(RECIPE)
    project.command("run", "recipes/voice.yaml")
    return project


def by_hand(model: Path, folder: Path, names: list[str]) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """The state that each sample is fed, and what the model gives; at the first of each call it is zeros."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session, state, fed = onnxruntime.InferenceSession(model, options), np.zeros((2, 1, 8), np.float32), []
    for name in names:
        if name.endswith("-0"):
            state = np.zeros_like(state)
        with np.load(folder / f"{name}.npz") as arrays:
            outputs = session.run(None, {**arrays, "state": state})
        fed.append((state, outputs))
        state = outputs[1]
    return fed


def test_check_asks_for_no_files_of_a_state(voice: Project) -> None:
    assert "ok" in voice.command("check", "recipes/voice.yaml").stdout


def test_samples_are_calibrated_with_the_states_of_their_sequences(voice: Project) -> None:
    build, folder = voice.folder / "build/voice", voice.folder / "recipes"
    samples = dict(read_samples(build / "steps/states/samples.tar"))
    assert list(samples) == ["a-0", "a-1", "a-2", "a-3", "b-0", "b-1"], "the first six, none drawn"
    for (name, tensors), (state, _) in zip(
        samples.items(), by_hand(folder / "voice.onnx", folder / "calls", list(samples)), strict=True
    ):
        np.testing.assert_allclose(tensors["state"], state, atol=1e-6, err_msg=name)
    assert not samples["b-0"]["state"].any() and samples["b-1"]["state"].any()


def test_each_model_goes_on_from_its_own_state(voice: Project) -> None:
    build, folder = voice.folder / "build/voice", voice.folder / "recipes"
    names = [f"{call}-{at}" for call in "ab" for at in range(4)]
    quantized = by_hand(build / "quantized.onnx", folder / "heldout", names)
    kept = Recorded(build / "steps/answers-quantized/answers.tar")
    for name, (_, outputs) in zip(names, quantized, strict=True):
        for here, right in zip(kept.outputs(name), outputs, strict=True):
            np.testing.assert_array_equal(here, right)
    figures = json.loads((build / "steps/evaluate/evaluation.json").read_text())
    assert set(figures["per_output"]) == {"probability", "next"}
    assert 0.9 < figures["cosine_quantized"] < 1


def test_the_program_of_the_bundle_feeds_states_back(voice: Project, tmp_path: Path) -> None:
    bundle, folder = voice.folder / "build/voice/bundle", voice.folder / "recipes"
    interface = json.loads((bundle / "model.json").read_text())
    assert [one.get("feedback") for one in interface["more_inputs"]] == [None, "next", None]
    names = [f"a-{at}" for at in range(4)]
    (tmp_path / "audio").mkdir()
    for name in names:
        with np.load(folder / f"heldout/{name}.npz") as arrays:
            np.save(tmp_path / f"audio/{name}.npy", arrays["audio"])
    np.save(tmp_path / "rate.npy", np.array([1]))
    inputs = ["--input", f"audio={tmp_path}/audio", "--input", f"rate={tmp_path}/rate.npy"]
    command = [sys.executable, str(bundle / "run.py"), *inputs, "--out", str(tmp_path / "out")]
    done = run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, (_, outputs) in zip(names, by_hand(bundle / "quantized.onnx", folder / "heldout", names), strict=True):
        (written,) = (tmp_path / "out").glob(f"{name}*probability*.npy")
        np.testing.assert_array_equal(np.load(written), outputs[0])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("feedback: next", "feedback: nxt", "state is fed nxt, and the model gives probability, next"),
        ("feedback: next", "feedback: probability", "probability is 1x1, and state, which is fed with it, 2x1x8"),
        (", feedback: next", "", "inputs.1.source: nothing says what it is fed"),
        ("feedback: next", "feedback: next, source: ./calls", "what is fed back has no files"),
        ("./heldout}", "./heldout, count: 3}", "measured on whole sequences"),
        ("./heldout}", "./heldout, shares: 2}", "waits for the one before"),
    ],
)
def test_what_cannot_be_fed_back_is_an_error(voice: Project, old: str, new: str, words: str) -> None:
    recipe = voice.folder / "recipes/wrong.yaml"
    recipe.write_text(RECIPE.replace(old, new))
    done = voice.command("run", recipe, "--until", "states", code=None)
    assert done.returncode in (2, 3) and words in done.stderr, done.stderr
