"""Models that take something else than one image: built, quantized and run here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from support.formats import follows
from support.project import Project
from support.public_record import public
from support.voice import save_voice

from benchmarks.real_builds import feeds_of, model_of
from recipebuild.toolkit.quantize.compare import read

Array = npt.NDArray[np.float64]

RECIPE = """\
model: {source: ./voice.onnx, task: other}
inputs:
  - {kind: tensor, name: audio, shape: [1, 64], dtype: float32, source: ./audio}
  - {kind: tensor, name: state, shape: [2, 1, 8], dtype: float32, source: ./state.tar}
  - {kind: tensor, name: rate, shape: [1], dtype: int64, source: ./rate}
head: {kind: none}
calibration: {count: 6}
"""


@pytest.fixture(scope="module")
def voice(make_project: Callable[[], Project]) -> Project:
    project = make_project()
    folder = project.folder / "recipes"
    rng = np.random.default_rng(0)
    save_voice(folder / "voice.onnx", rng)
    for name in ("audio", "state", "rate"):
        (folder / name).mkdir()
    for at in range(6):
        np.save(folder / "audio" / f"{at}.npy", rng.uniform(-2, 3, (1, 64)).astype(np.float32))
        np.save(folder / "state" / f"{at}.npy", rng.uniform(-1, 1, (2, 1, 8)).astype(np.float32))
        np.save(folder / "rate" / f"{at}.npy", np.array([1 + at % 2]))
    (folder / "heard").mkdir()
    for at in range(5):
        np.savez(
            folder / "heard" / f"{at}.npz",
            audio=rng.uniform(-2, 3, (1, 64)).astype(np.float32),
            state=rng.uniform(-1, 1, (2, 1, 8)).astype(np.float32),
            rate=np.array([1 + at % 2]),
        )
    run(["tar", "cf", "state.tar", "state"], cwd=folder, check=True)
    (folder / "voice.yaml").write_text(RECIPE)
    return project


def test_a_model_without_an_image_is_built(voice: Project, tmp_path: Path) -> None:
    done = voice.command("check", voice.folder / "recipes" / "voice.yaml")
    assert "RB118 rate is int64" in done.stderr + done.stdout
    voice.command("run", voice.folder / "recipes" / "voice.yaml")
    build = voice.folder / "build" / "voice"
    manifest = json.loads((build / "manifest.json").read_text())
    steps = {step["name"]: step for step in manifest["steps"]}
    assert not {"calibrate", "evaluate", "ladder", "preview"} & set(steps)
    assert steps["samples"]["metrics"]["samples"] == 6
    assert steps["verify"]["metrics"]["relative"] < 1e-6
    assert steps["layers"]["metrics"]["snr_db"] > 20
    outputs = steps["layers"]["metrics"]["outputs"]
    assert [each["tensor"] for each in outputs] == ["probability", "next"] and outputs[1]["cosine"] > 0.999

    # Scales over the samples, by hand: U8, (high - low) / 255.
    quant = json.loads((build / "quant.json").read_text())
    scales = {
        name: quant["values"][str(config["dominator"])]["scale"][0]
        for tensors in quant["tensor_configs"].values()
        for name, config in tensors.items()
        if config["quant_max"] == 255
    }
    for name in ("audio", "state"):
        values = [np.load(path) for path in (voice.folder / "recipes" / name).iterdir()]
        assert scales[name] == pytest.approx((np.max(values) - np.min(values)) / 255, rel=1e-6)

    described = json.loads((build / "bundle" / "model.json").read_text())
    follows("model", build / "bundle" / "model.json")
    assert described["input"] is None
    assert [(each["name"], each["dtype"]) for each in described["more_inputs"]] == [
        ("audio", "float32"),
        ("state", "float32"),
        ("rate", "int64"),
    ]
    named = (build / "bundle" / "provenance.json").read_text()
    assert "more_audio/0.npy" in named and "more_state/state.tar" in named

    program = [sys.executable, str(build / "bundle" / "run.py"), "--out", str(tmp_path)]
    fed = [f"--input={name}={voice.folder / 'recipes' / name / '0.npy'}" for name in ("audio", "state", "rate")]
    run([*program, *fed], check=True, capture_output=True)
    assert np.load(tmp_path / "output-next.npy").shape == (2, 1, 8)
    assert 0 < np.load(tmp_path / "output-probability.npy").item() < 1
    refused = run([*program, *fed, "a.jpg"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "takes no image" in refused.stderr


def test_pulsar2_is_given_all_inputs_of_a_sample_together(voice: Project, standins: Callable[..., Path]) -> None:
    standins("pulsar2")
    recipe = voice.folder / "recipes" / "onboard.yaml"
    recipe.write_text(f"{RECIPE}evaluate: {{dataset: ./heard}}\n")
    voice.command("run", recipe)
    build = voice.folder / "build" / "onboard"
    steps = {step["name"]: step for step in json.loads((build / "manifest.json").read_text())["steps"]}
    assert steps["simulate"]["metrics"]["images"] == 5
    assert set(steps["evaluate"]["metrics"]["per_output"]) == {"next", "probability"}
    config = json.loads((build / "bundle" / "pulsar2.json").read_text())
    (calibration,) = config["quant"]["input_configs"]
    assert (calibration["tensor_name"], calibration["calibration_format"]) == ("DEFAULT", "NumpyObject")
    assert "calibration_mean" not in calibration and not config.get("input_processors")
    described = json.loads((build / "bundle" / "model.json").read_text())
    assert described["more_inputs"][2] == {"name": "rate", "shape": [1], "dtype": "int32"}


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_each_output_is_held_against_the_float_models(voice: Project) -> None:
    import onnxruntime as ort

    recipe = voice.folder / "recipes" / "heard.yaml"
    recipe.write_text(f"{RECIPE}equalize: {{}}\nevaluate: {{dataset: ./heard, max_drop: 0.05}}\n")
    voice.command("run", recipe)
    build = voice.folder / "build" / "heard"
    steps = {step["name"]: step for step in json.loads((build / "manifest.json").read_text())["steps"]}
    figures = steps["evaluate"]["metrics"]
    assert (figures["images"], figures["metric"], figures["against"]) == (5, "cosine", "float")

    # The same of the two models, run here: of an output of one value, over all samples.
    float_, quantized = (
        ort.InferenceSession(build / name, _exact(), providers=["CPUExecutionProvider"])
        for name in ("model.onnx", "bundle/quantized.onnx")
    )
    pairs: dict[str, list[tuple[Array, Array]]] = {"probability": [], "next": []}
    for at in range(5):
        with np.load(voice.folder / "recipes" / "heard" / f"{at}.npz") as arrays:
            feed = dict(arrays)
        for name, a, b in zip(pairs, float_.run(None, feed), quantized.run(None, feed), strict=True):
            pairs[name].append((a.ravel().astype(float), b.ravel().astype(float)))
    probabilities = [np.concatenate(side) for side in zip(*pairs["probability"], strict=True)]
    cosines = {"probability": cosine(*probabilities), "next": float(np.mean([cosine(a, b) for a, b in pairs["next"]]))}
    for name, value in cosines.items():
        assert figures["per_output"][name]["cosine"] == pytest.approx(value, abs=1e-6)
    assert figures["cosine_quantized"] == pytest.approx(min(cosines.values()), abs=1e-6)
    assert 20 < figures["snr_quantized"] < 60
    assert steps["judge"]["metrics"]["checks"][0]["passed"]
    rungs = [row["rung"] for row in steps["ladder"]["metrics"]["rows"]]
    assert (rungs[0], rungs[-1]) == ("reference", "quantized") and "equalize" in rungs
    card = (build / "bundle" / "README.md").read_text()
    snr = figures["per_output"]["next"]["snr"]
    assert "on 5 samples, compared with the float model" in card and f"{snr:.1f} dB |" in card
    page = (build / "report.html").read_text()
    assert "Measured on 5 samples without labels" in page and f"{snr:.4g}" in page

    recipe.write_text(f"{RECIPE}evaluate: {{dataset: ./audio}}\n")
    failed = voice.command("run", recipe, code=3)
    assert "for state, is float32 1x64, not float32 2x1x8" in failed.stderr and "heard.yaml:8" in failed.stderr


def _exact() -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


def test_a_tensor_of_another_type_is_an_error_with_its_place(voice: Project) -> None:
    recipe = voice.folder / "recipes" / "wrong.yaml"
    recipe.write_text(RECIPE.replace("dtype: int64", "dtype: int32"))
    failed = voice.command("check", recipe, code=2)
    assert "rate (int64 1), the recipe says int32" in failed.stderr and "wrong.yaml:3" in failed.stderr
    recipe.write_text(RECIPE.replace("./audio}", "./state.tar}"))
    failed = voice.command("run", recipe, code=3)
    assert "state/0.npy, for audio, is float32 2x1x8, not float32 1x64" in failed.stderr


FILE = public("pulsar2-builds") / "builds.json"
BUILDS: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}
SEVERAL = [name for name, build in BUILDS.items() if len(build["samples"]) > 1]


@pytest.mark.skipif(not BUILDS, reason="the record of real builds is not here")
@pytest.mark.parametrize("name", SEVERAL)
def test_a_real_build_of_two_inputs_has_its_parameters(make_project: Callable[[], Project], name: str) -> None:
    project, build = make_project(), BUILDS[name]
    onnx.save(model_of(build), project.folder / "graph.onnx")
    (project.folder / "samples").mkdir()
    for at, feed in enumerate(feeds_of(build)):
        np.savez(project.folder / "samples" / f"{at:02}.npz", **feed)  # type: ignore[arg-type]  # of its flag
    project.command("new", "graph.onnx", "-o", "graph.yaml", "--calibration", "samples")
    project.command("run", "graph.yaml", "--until", "compile")
    quant = read(project.folder / "build" / "graph" / "quant.json")
    for tensor, theirs in build["tensors"].items():
        (ours,) = quant[tensor].values()
        assert (ours.type, ours.zero_point) == (theirs["type"], (theirs["zero_point"],)), tensor
        assert ours.scale[0] == pytest.approx(theirs["scale"], rel=2e-7), tensor
