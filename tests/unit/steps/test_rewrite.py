"""rewrite: its file and figures, and the recipe's switches."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.steps import rewrite
from recipebuild.toolkit.graph import apply, passes
from recipebuild.toolkit.graph.edit import Edit
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.simplify import simplify
from recipebuild.toolkit.models.export import export
from recipebuild.toolkit.models.load import load as load_model


@pytest.fixture(scope="session")
def simplified(tiny_segformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from recipebuild.toolkit.graph.files import save

    folder = tmp_path_factory.mktemp("simplified")
    module = load_model(tiny_segformer, task="semantic-segmentation", weights="pretrained", seed=0)
    shape = (1, 3, 64, 128)
    names = {"input_name": "pixel_values", "output_name": "logits"}
    export(module, folder / "export.onnx", shape=shape, opset=17, exporter="torchscript", **names)
    save(simplify(folder / "export.onnx", "pixel_values", shape), folder / "simplified.onnx")
    return folder / "simplified.onnx"


def _run(model: Path, out: Path, **fields: Any) -> dict[str, Any]:
    out.mkdir()
    params = rewrite.Params(class_axis=1, **fields)
    return rewrite.run({"model": model}, params, out, lambda fraction, text="": None)


def test_a_rewrite_that_is_taken_back_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def double(edit: Edit, node: Any) -> None:
        node.metadata_props["doubled"] = "yes"
        node.replace_input_with(1, edit.constant(np.full((1, 2, 1, 1), 9, np.float32), "other"))

    def once(node: Any) -> Any:
        return node if node.op_type == "Add" and not node.metadata_props.get("doubled") else None

    wrong = SimpleNamespace(pattern=once, check=lambda match: None, rewrite=double)
    monkeypatch.setattr(apply, "PASSES", {**passes.PASSES, "fuse_gelu": wrong})
    text = "(float[1,2,4,4] x, float[1,2,1,1] b) => (float[1,2,4,4] y) { y = Add (x, b) }"
    onnx.save(graph(text), tmp_path / "model.onnx")
    _run(tmp_path / "model.onnx", tmp_path / "out", target="host", switches={"fuse_gelu": True})
    assert "RB604 fuse_gelu was taken back: it changed the output of the model" in caplog.messages


def test_a_segformer_comes_out_smaller_and_the_same(simplified: Path, tmp_path: Path) -> None:
    metrics = _run(simplified, tmp_path / "out", target="AX650")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rewritten.onnx"]
    assert metrics["rolled_back"] == []
    assert metrics["relative"] < 1e-5 and metrics["agreement"] == 1
    assert metrics["nodes_after"] < 0.65 * metrics["nodes_before"]
    assert metrics["multiply_adds_after"] < 0.7 * metrics["multiply_adds_before"]
    assert metrics["layout_changes_after"] < 0.2 * metrics["layout_changes_before"]
    assert metrics["peak_activation_bytes_after"] <= metrics["peak_activation_bytes_before"]
    counts = {row["op"]: (row["before"], row["after"]) for row in metrics["operators"]}
    assert counts["Gelu"][0] == 0 < counts["Gelu"][1]
    assert {"fold_decoder", "stack_heads", "single_head", "dense_as_conv"} <= {row["name"] for row in metrics["passes"]}
    assert json.loads(json.dumps(metrics)) == metrics


def test_a_recipe_turns_passes_off(simplified: Path, tmp_path: Path) -> None:
    metrics = _run(simplified, tmp_path / "out", switches={"fold_decoder": False})
    assert "fold_decoder" not in {row["name"] for row in metrics["passes"]}
    assert metrics["multiply_adds_after"] > 0.9 * metrics["multiply_adds_before"]


def test_switched_off_the_model_stays_as_it_is(simplified: Path, tmp_path: Path) -> None:
    metrics = _run(simplified, tmp_path / "out", enabled=False)
    assert metrics["passes"] == [] and metrics["relative"] is None
    assert load(tmp_path / "out" / "rewritten.onnx") == load(simplified)


def test_the_manifest_is_told_what_was_refused_and_why(simplified: Path, tmp_path: Path) -> None:
    metrics = _run(simplified, tmp_path / "out", target="host")
    tiles = {"name": "tile_attention", "reason": "the scores fit in the cache", "times": 4}
    assert tiles in metrics["refused"]
