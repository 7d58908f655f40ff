"""ONNX files of many kinds, as `new` drafts their recipes: from the file to the bundle, and what check finds before."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from subprocess import run
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from PIL import Image
from support.project import Project

PICTURES = """
<ir_version: 8, opset_import: ["" : 17]>
pictures (uint8[1,16,16,3] image) => (float[1,4,14,14] map, float[1,4,1,1] mean)
{
    pixels = Cast <to = 1> (image)
    planes = Transpose <perm = [0, 3, 1, 2]> (pixels)
    map = Conv(planes, k)
    mean = GlobalAveragePool(map)
}
"""


def test_bytes_with_channels_last_go_up_the_ladder_from_the_file_itself(make_project: Callable[[], Project]) -> None:
    project = make_project()
    rng = np.random.default_rng(0)
    model = parser.parse_model(PICTURES)
    model.graph.initializer.append(numpy_helper.from_array(rng.normal(size=(4, 3, 3, 3)).astype(np.float32), "k"))
    onnx.save(model, project.folder / "pictures.onnx")
    (project.folder / "photos").mkdir()
    for at in range(3):
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(project.folder / "photos" / f"{at}.png")
    project.command("new", "pictures.onnx", "-o", "pictures.yaml", "--calibration", "photos")
    assert "task: other" in (project.folder / "pictures.yaml").read_text()
    project.command("run", "pictures.yaml", "--set", "evaluate.dataset=photos")
    ladder = json.loads((project.folder / "build" / "pictures" / "steps" / "ladder" / "ladder.json").read_text())
    assert [row["rung"] for row in ladder["rows"]][:2] == ["reference", "simplify"]
    assert ladder["rows"][1]["cosine"] == 1.0

    # The bundle's program, on a photo, beside the file itself on its bytes.
    import onnxruntime as ort

    bundle, out = project.folder / "build" / "pictures" / "bundle", project.folder / "out"
    command = [sys.executable, str(bundle / "run.py"), str(project.folder / "photos" / "0.png"), "--out", str(out)]
    run(command, check=True, capture_output=True)
    pixels = np.asarray(Image.open(project.folder / "photos" / "0.png"))[np.newaxis]
    right = ort.InferenceSession(project.folder / "pictures.onnx", providers=["CPUExecutionProvider"])
    for name, expected in zip(("map", "mean"), right.run(None, {"image": pixels}), strict=True):
        got = np.load(out / f"0-{name}.npy")
        assert got.shape == expected.shape
        assert np.linalg.norm(got - expected) < 0.05 * np.linalg.norm(expected), name


OTHERS = {
    "any batch": ("(float[N,3,32,48] image) => (float[N,5,32,48] logits) { logits = Conv<pads=[1,1,1,1]>(image, k) }",
                  (5, 3, 3, 3), "semantic-segmentation"),
    "one channel": ("(float[1,1,32,48] image) => (float[1,10] logits) { a = Conv(image, k) r = Relu(a) "
                    "p = GlobalAveragePool(r) logits = Flatten(p) }", (10, 1, 3, 3), "image-classification"),
    "three outputs": ("(float[1,3,32,48] image) => (float[1,6,32,48] a, float[1,6,16,24] b, float[1,6,8,12] c) { "
                      "a = Conv<pads=[1,1,1,1]>(image, k) b = AveragePool<kernel_shape=[2,2], strides=[2,2]>(a) "
                      "c = AveragePool<kernel_shape=[2,2], strides=[2,2]>(b) }", (6, 3, 3, 3), "other"),
}  # fmt: skip
"""ONNX files of other kinds: the graph, the shape of its weight, and the task that new proposes."""


@pytest.mark.parametrize("kind", OTHERS)
def test_what_new_proposes_for_it_builds(make_project: Callable[[], Project], kind: str) -> None:
    graph, shape, task = OTHERS[kind]
    project, rng = make_project(), np.random.default_rng(0)
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g {graph}')
    model.graph.initializer.append(numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), "k"))
    onnx.save(model, project.folder / "net.onnx")
    (project.folder / "photos").mkdir()
    for at in range(3):
        pixels = rng.integers(0, 256, (32, 48) if kind == "one channel" else (32, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(project.folder / "photos" / f"{at}.png")
    project.command("new", "net.onnx", "-o", "net.yaml", "--calibration", "photos")
    assert f"task: {task}" in (project.folder / "net.yaml").read_text()
    project.command("run", "net.yaml")
    bundle = project.folder / "build" / "net" / "bundle"
    described = json.loads((bundle / "model.json").read_text())
    assert [each["name"] for each in described["outputs"]] == (
        ["a", "b", "c"] if kind == "three outputs" else [described["outputs"][0]["name"]]
    )
    command = [sys.executable, str(bundle / "run.py"), str(project.folder / "photos" / "0.png"), "--out", "out"]
    run(command, check=True, capture_output=True, cwd=project.folder)
    assert list((project.folder / "out").iterdir())


MASKED = """
<ir_version: 8, opset_import: ["" : 17]>
masked (float[1,3,16,32] x, float[1,1,16,32] mask) => (float[1,3,16,32] shown)
{
    kept = Mul(x, mask)
    shown = Sigmoid(kept)
}
"""


@pytest.fixture
def masked(make_project: Callable[[], Project]) -> Project:
    """masked.onnx, and samples/ with photos in x/, below folders and with a name of more than ASCII, and mask/."""
    project, rng = make_project(), np.random.default_rng(0)
    onnx.save(parser.parse_model(MASKED), project.folder / "masked.onnx")
    for name in ("x/town", "mask/town"):
        (project.folder / "samples" / name).mkdir(parents=True)
    for name in ("a", "b", "Straße 1", "town/a"):
        pixels = rng.integers(0, 256, (16, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(project.folder / "samples/x" / f"{name}.png")
        mask = rng.uniform(0, 1, (1, 1, 16, 32)).astype(np.float32)
        np.save(project.folder / "samples/mask" / f"{name.replace('town/a', 'town/a2')}.npy", mask)
    (project.folder / "samples/x/town/a.png").rename(project.folder / "samples/x/town/a2.png")
    return project


def test_an_image_and_a_tensor_are_built_as_new_drafts_them(masked: Project) -> None:
    masked.command("new", "masked.onnx", "-o", "masked.yaml", "--calibration", "samples")
    masked.command("check", "masked.yaml")
    masked.command("run", "masked.yaml")
    build = masked.folder / "build" / "masked"
    steps = {step["name"]: step for step in json.loads((build / "manifest.json").read_text())["steps"]}
    assert steps["calibrate"]["metrics"]["images"] == steps["samples"]["metrics"]["samples"] == 4
    assert steps["layers"]["metrics"]["snr_db"] > 20
    assert (build / "bundle" / "model.json").is_file()


@pytest.mark.parametrize(
    ("array", "name", "says"),
    [
        (None, "c", ["mask has no file c.npy, .npz or .bin"]),
        (np.zeros((1, 1, 16, 16), np.float32), "b", ["b.npy, for mask, is float32 1x1x16x16, not float32 1x1x16x32"]),
        (np.zeros((1, 1, 16, 32)), "b", ["b.npy, for mask, is float64 1x1x16x32, not float32 1x1x16x32"]),
        (np.full((1, 1, 16, 32), np.nan, np.float32), "b", ["b.npy, for mask, has NaN"]),
    ],
    ids=["missing", "shape", "type", "NaN"],
)
def test_files_that_do_not_fit_are_told_before_anything_is_built(
    masked: Project, array: Any, name: str, says: list[str]
) -> None:
    masked.command("new", "masked.onnx", "-o", "masked.yaml", "--calibration", "samples")
    if array is None:
        Image.new("RGB", (32, 16)).save(masked.folder / "samples/x" / f"{name}.png")
    else:
        np.save(masked.folder / "samples/mask" / f"{name}.npy", array)
    failed = masked.command("check", "masked.yaml", code=2)
    text = failed.stdout + failed.stderr
    assert all(words in text for words in says) and "more_inputs.0.source" in text, text
    assert "masked.yaml:" in text


def test_a_file_of_another_name_is_guessed(masked: Project) -> None:
    (masked.folder / "samples/mask/Straße 1.npy").rename(masked.folder / "samples/mask/Strasse-1.npy")
    masked.command("new", "masked.onnx", "-o", "masked.yaml", "--calibration", "samples")
    failed = masked.command("check", "masked.yaml", code=2)
    assert "did you mean Strasse-1.npy?" in failed.stdout + failed.stderr
