"""``check`` tells warnings with their codes, and shows those that the recipe answers as ignored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.engine.store import own_store
from recipebuild.session import Options
from recipebuild.verbs.check import Checked, check
from recipebuild.verbs.health import tools

NET = """(float[1,3,16,16] x, float[4,3,1,1] w) => (float[1,8,16,16] out) {
    a = Conv <kernel_shape = [1, 1]> (x, w) b = Einsum <equation = "bchw->bchw"> (a)
    out = Concat <axis = 1> (a, b) }"""
RECIPE = """\
name: mine
model: {source: ./a.onnx, task: image-feature-extraction}
input: {name: x, shape: [1, 3, 16, 16], mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}
head: {kind: none}
quantization: {layers: [{op: Conv, dtype: U16}]}
"""


def checked(folder: Path, images: Path, more: str = "", model: onnx.ModelProto | None = None) -> Checked:
    onnx.save(model or graph(NET, w=np.ones((4, 3, 1, 1))), folder / "a.onnx")
    (folder / "r.yaml").write_text(f"{RECIPE}calibration: {{source: {images}, count: 8}}\n{more}")
    (result,) = check(str(folder / "r.yaml"), Options(store=folder / "store"))
    assert not result.problems
    return result


def test_a_concat_of_the_model_at_hand_undoes_16_bits(tmp_path: Path, street_images: Path) -> None:
    result = checked(tmp_path, street_images)
    assert any(note.startswith("warning: RB310 quant.layer_configs[0] asks for U16 for Conv") for note in result.notes)
    assert {"RB310", "RB402"} <= {rule.code for rule in result.rules}


UNSIMPLIFIED = """(float[1,3,16,16] x, float[4,3,1,1] w, int64[1] axis) => (float[1,4,1,1] out) {
    a = Conv <kernel_shape = [1, 1]> (x, w) two = Constant <value = float {2.0}> () b = Pow (a, two)
    c = Neg (b) shape = Shape (c) d = Reshape (c, shape)
    e = ReduceMean (d, axis) f = Identity (e) out = ReduceSum (f, axis) }"""
"""What onnxsim folds (Shape, Constant), and what the rewrites for the NPU write otherwise (Pow, Neg)."""


def test_what_the_build_itself_removes_is_no_warning(tmp_path: Path, street_images: Path) -> None:
    from recipebuild.toolkit.pulsar2.lint import lint

    model = graph(UNSIMPLIFIED, w=np.ones((4, 3, 1, 1)), axis=[2])
    assert {"RB402", "RB418"} <= {finding.code for finding in lint(model, "AX650")}
    result = checked(tmp_path, street_images, model=model)
    assert not [note for note in result.notes if "RB4" in note]


def test_of_a_large_file_it_says_that_a_build_removes_more(
    tmp_path: Path, street_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recipebuild.verbs.final_graph.QUICK_BYTES", 10)
    result = checked(tmp_path, street_images, model=graph(UNSIMPLIFIED, w=np.ones((4, 3, 1, 1)), axis=[2]))
    assert any(note.startswith("warning: RB418 AX650: Pow ") for note in result.notes)
    assert [note for note in result.notes if note.startswith("note: RB423 AX650: a.onnx is listed as it is")]


def test_what_the_recipe_answers_is_shown_as_ignored_with_the_reason(tmp_path: Path, street_images: Path) -> None:
    result = checked(tmp_path, street_images, "check:\n  ignore:\n    RB402: the board's CPU takes it\n")
    assert result.notes[-1].startswith("ignored: RB402 AX650: Einsum ")
    assert result.notes[-1].endswith(" (the board's CPU takes it)")
    document = result.as_json()
    assert document["ok"] is True
    (rule,) = (rule for rule in document["rules"] if rule["code"] == "RB402")
    assert (rule["level"], rule["reason"]) == ("ignored", "the board's CPU takes it")


def test_a_version_of_pulsar2_that_is_not_here_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (result,) = check("quickstart", Options(sets=['pulsar2.version="3.0"'], store=tmp_path / "store"))
    assert "note: RB503 Pulsar2 3.0, which the recipe names, is not on this machine" in result.notes


def test_a_pulsar2_that_the_recipe_insists_on_and_is_not_here_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (result,) = check("quickstart", Options(sets=["target.toolchain=pulsar2"], store=tmp_path / "store"))
    warning = "warning: RB503 Pulsar2, which the recipe asks for, is not on this machine: run ends with 4"
    assert warning in result.notes


def test_what_the_toolchain_said_that_it_takes_is_held_against_recipes_without_it(
    standins: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    standins("pulsar2")
    assert tools.proto(own_store()).state == "ok"
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    options = Options(sets=["pulsar2.overrides={compiler: {no_such_field: 1}}"], store=tmp_path / "store")
    (refused,) = check("quickstart", options)
    (problem,) = refused.problems
    assert problem.field == "pulsar2"
    assert "no_such_field" in problem.message
    (fine,) = check("quickstart", Options(store=tmp_path / "store"))
    assert not fine.problems
