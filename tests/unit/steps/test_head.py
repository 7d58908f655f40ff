"""head: the final model under its name, with or without ArgMax, the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from support.graphs import graph

from recipebuild.steps import head


def _run(model: Path, out: Path, **fields: Any) -> dict[str, Any]:
    out.mkdir()
    return head.run({"model": model}, head.Params(**fields), out, lambda fraction, text="": None)


@pytest.mark.parametrize(
    ("fields", "outputs"),
    [
        ({"kind": "argmax"}, [("argmax_output", "int64")]),
        ({"kind": "argmax", "keep_logits": True}, [("logits", "float32"), ("argmax_output", "int64")]),
        ({"kind": "none"}, [("logits", "float32")]),
        ({"kind": "none", "add_axis": 0}, [("logits_map", "float32")]),
    ],
)
def test_the_models_outputs_are_the_heads(
    small_onnx: Path, tmp_path: Path, fields: dict[str, Any], outputs: list[tuple[str, str]]
) -> None:
    metrics = _run(small_onnx, tmp_path / "out", **fields)
    assert [(output["name"], output["dtype"]) for output in metrics["outputs"]] == outputs
    model = onnx.load(tmp_path / "out" / "model.onnx")
    assert [output.name for output in model.graph.output] == [name for name, _ in outputs]
    assert metrics["nodes"] == len(model.graph.node)


def test_without_a_head_the_model_is_unchanged(small_onnx: Path, tmp_path: Path) -> None:
    _run(small_onnx, tmp_path / "out", kind="none")
    assert onnx.load(tmp_path / "out" / "model.onnx") == onnx.load(small_onnx)


def test_the_bytes_are_the_same_in_another_folder(small_onnx: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _run(small_onnx, tmp_path / folder)
    assert (tmp_path / "one" / "model.onnx").read_bytes() == (tmp_path / "two" / "model.onnx").read_bytes()


def test_class_ids_of_the_logits_before_they_are_enlarged(tmp_path: Path) -> None:
    text = """(float[1,3,4,8] x, float[6,3,1,1] w, float[0] roi, float[4] scales) => (float[1,6,16,32] logits) {
        small = Conv (x, w) logits = Resize <mode = "linear"> (small, roi, scales) }"""
    onnx.save(graph(text, scales=[1, 1, 4, 4]), tmp_path / "before.onnx")
    shapes = {}
    for before in (False, True):
        metrics = _run(tmp_path / "before.onnx", tmp_path / str(before), before_resize=before, keep_logits=True)
        shapes[before] = [output["shape"] for output in metrics["outputs"]]
    assert shapes == {False: [(1, 6, 16, 32), (1, 1, 16, 32)], True: [(1, 6, 4, 8), (1, 1, 4, 8)]}
