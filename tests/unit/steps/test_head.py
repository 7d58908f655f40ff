"""head: the final model under its name, with or without ArgMax, the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

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
