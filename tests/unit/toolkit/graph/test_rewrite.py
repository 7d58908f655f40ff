"""Rewriting a model file: verified as a whole, and where that fails, pass by pass."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from support.attention import attention
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.graph import apply, passes, rewrite
from recipebuild.toolkit.graph.edit import Edit, array
from recipebuild.toolkit.graph.rewrite import Limits, rewrite_file

NAMES = passes.defaults("AX650")
LIMITS = Limits()


def _run(source: onnx.ModelProto, folder: Path, names: list[str] = NAMES, limits: Limits = LIMITS) -> Any:
    onnx.save(source, folder / "before.onnx")
    return rewrite_file(folder / "before.onnx", folder / "after.onnx", names, limits, lambda fraction, text: None)


def test_the_result_says_what_was_done_and_how_exact_it_is(tmp_path: Path) -> None:
    rewritten = _run(attention(heads=2), tmp_path)
    assert {"drop_key_bias", "move_value_bias", "stack_heads"} <= {one.name for one in rewritten.applied}
    assert rewritten.rolled_back == ()
    assert 0 < rewritten.difference.relative < 1e-5
    assert rewritten.applied[-1].after == len(onnx.load(tmp_path / "after.onnx").graph.node)


def test_old_opsets_are_raised(tmp_path: Path) -> None:
    text = "(float[2,8] x, float r, float o, float h) => (float[2,8] y) { a = Div (x, r) b = Erf (a) c = Add (b, o) "
    old = graph(text + "d = Mul (x, c) y = Mul (d, h) }", opset=11, r=2**0.5, o=1, h=0.5)
    _run(old, tmp_path)
    after = onnx.load(tmp_path / "after.onnx")
    assert [node.op_type for node in after.graph.node] == ["Gelu"]
    assert after.opset_import[0].version == 20


@pytest.mark.parametrize("opset", [17, 20])
def test_what_is_left_still_says_which_module_it_comes_from(opset: int, tmp_path: Path) -> None:
    source = graph("(float[2,8] x, float[8,4] w) => (float[2,4] y) { h = MatMul (x, w) y = Abs (h) }", opset=opset)
    for node in source.graph.node:
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=f"['', 'net.{node.op_type}']")
    _run(source, tmp_path)
    for node in onnx.load(tmp_path / "after.onnx").graph.node:
        assert [prop.value for prop in node.metadata_props] == [f"['', 'net.{node.op_type}']"]


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        _run(attention(heads=2), folder)
        made.append((folder / "after.onnx").read_bytes())
    assert made[0] == made[1]


@pytest.fixture
def wrong_pass(monkeypatch: pytest.MonkeyPatch) -> str:
    """A pass, among the good ones, that doubles every bias."""

    def pattern(node: Any) -> Any:
        return node if node.op_type == "Add" and not node.metadata_props.get("doubled") else None

    def change(edit: Edit, node: Any) -> None:
        node.metadata_props["doubled"] = "yes"
        for index, value in enumerate(node.inputs):
            if (held := array(value)) is not None:
                node.replace_input_with(index, edit.constant(2 * held, "twice"))

    wrong = SimpleNamespace(pattern=pattern, check=lambda match: None, rewrite=change)
    monkeypatch.setattr(apply, "PASSES", {"wrong": wrong, **passes.PASSES})
    return "wrong"


def test_a_pass_that_changes_the_result_is_taken_back_and_the_others_stay(tmp_path: Path, wrong_pass: str) -> None:
    rewritten = _run(attention(heads=2), tmp_path, [wrong_pass, *NAMES])
    assert rewritten.rolled_back == (wrong_pass,)
    assert "drop_key_bias" in {one.name for one in rewritten.applied}
    assert rewritten.difference.relative < 1e-5


def test_without_passes_the_model_stays_as_it_is(tmp_path: Path) -> None:
    rewritten = _run(attention(heads=2), tmp_path, [])
    assert rewritten.applied == () and rewritten.difference is None
    assert onnx.load(tmp_path / "after.onnx") == onnx.load(tmp_path / "before.onnx")


def test_a_changed_argmax_counts_even_if_the_error_is_allowed(tmp_path: Path, wrong_pass: str) -> None:
    text = (
        "(float[1,2,4,4] x, float[1,2,1,1] w, float[1,2,1,1] b) => (float[1,2,4,4] y) { a = Mul (x, w) y = Add (a, b) }"
    )
    close = graph(text, w=np.ones((1, 2, 1, 1)), b=np.array([0.5, -0.5]).reshape(1, 2, 1, 1))
    rewritten = _run(close, tmp_path, [wrong_pass], Limits(relative=10, class_axis=1))
    assert rewritten.rolled_back == (wrong_pass,)


def test_a_model_with_symbolic_sizes_is_refused(tmp_path: Path) -> None:
    model = graph("(float[N,3] x) => (float[N,3] y) { y = Relu (x) }")
    with pytest.raises(StepError, match="needs its shape to be fixed"):
        _run(model, tmp_path)


def test_weights_over_the_limit_are_read_from_and_written_to_files_beside_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrite, "EXTERNAL_DATA_OVER", 100)
    source = attention(heads=2)
    onnx.save(source, tmp_path / "plain.onnx")
    onnx.save(source, tmp_path / "big.onnx", save_as_external_data=True, location="big.onnx.data", size_threshold=100)
    for name in ("big.onnx", "big.onnx.data"):
        os.link(tmp_path / name, tmp_path / f"another-{name}")  # a step's inputs are hard links
    made = []
    for name in ("plain", "big"):
        (tmp_path / name).mkdir()
        target = tmp_path / name / "after.onnx"
        rewritten = rewrite_file(tmp_path / f"{name}.onnx", target, NAMES, LIMITS, lambda fraction, text: None)
        assert rewritten.rolled_back == () and rewritten.difference.relative < 1e-5
        assert {path.name for path in target.parent.iterdir()} == {"after.onnx", "after.onnx.data"}
        made.append((target.read_bytes(), (tmp_path / name / "after.onnx.data").read_bytes()))
    assert made[0] == made[1]
