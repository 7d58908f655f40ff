"""``recipebuild new``: what is printed, what is asked."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import yaml
from support.graphs import graph
from support.inprocess import run

from recipebuild.resources import shipped

MODEL = str(shipped("recipes") / "quickstart" / "model")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_file_the_recipe_goes_to_standard_output(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    result = run(monkeypatch, ["new", MODEL])
    assert result.code == 0
    assert yaml.safe_load(result.out)["input"]["shape"] == [1, 3, 256, 512]
    assert "drawn streets" in result.err
    assert not list(folder.iterdir())
    assert json.loads(run(monkeypatch, ["new", MODEL, "--json"]).out)["recipe"] == result.out


def test_with_a_file_it_says_what_to_do_next(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    result = run(monkeypatch, ["new", MODEL, "-o", "recipes/mine.yaml"])
    assert result.code == 0 and "recipebuild run recipes/mine.yaml" in result.out
    assert run(monkeypatch, ["check", "recipes/mine.yaml"]).code == 0
    again = run(monkeypatch, ["new", MODEL, "-o", "recipes/mine.yaml"])
    assert again.code == 2 and "--force" in again.err


def test_questions_are_asked_until_the_answer_is_right(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "my images").mkdir()
    answers = "nowhere\nmy images\n\nAX650\nNPU7\nNPU2\n"
    result = run(monkeypatch, ["new", MODEL, "-o", "mine.yaml", "-i"], answers)
    assert result.code == 0, result.err
    assert "no such file or folder" in result.err and "NPU7" in result.err
    recipe = yaml.safe_load((folder / "mine.yaml").read_text())
    assert recipe["calibration"] == {"source": "./my images"} and recipe["target"]["npu_mode"] == "NPU2"
    assert "evaluate" not in recipe


def test_enter_leaves_the_mark_of_what_somebody_should_look_at(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    onnx.save(graph("(float[1,3,32,32] x, float[5,3,1,1] w) => (float[1,5,32,32] y) { y = Conv (x, w) }"), "m.onnx")
    marked = run(monkeypatch, ["new", "m.onnx"]).out.count("look at this")
    assert marked > 1
    result = run(monkeypatch, ["new", "m.onnx", "-o", "mine.yaml", "-i"], "\n" * 20)
    assert result.code == 0, result.err
    assert (folder / "mine.yaml").read_text().count("look at this") == marked
    result = run(monkeypatch, ["new", "m.onnx", "-o", "two.yaml", "-i"], "BGR\n" + "\n" * 20)
    text = (folder / "two.yaml").read_text()
    assert result.code == 0 and text.count("look at this") == marked - 1 and "color: BGR" in text


def test_a_hub_out_of_reach_ends_with_4_and_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    result = run(monkeypatch, ["new", "nvidia/segformer-b0-finetuned-ade-512-512", "-o", "mine.yaml"])
    assert result.code == 4
    for way in ("HF_ENDPOINT", "folder", "--weights random", "recipebuild run segformer-b0-ade-512x512"):
        assert way in result.err
    assert not Path("mine.yaml").exists()
