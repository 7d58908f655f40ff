"""fetch without a network: folders, ONNX files, the family table. The hub has tests beside those of models/fetch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.authors import segmentation_checkpoint

from recipebuild.errors import RecipeError, StepError
from recipebuild.steps import fetch

B0 = "nvidia/segformer-b0-finetuned-cityscapes-640-1280"


def run(out: Path, source: Path | None = None, **params: Any) -> dict[str, Any]:
    out.mkdir()
    inputs = {} if source is None else {"source": source}
    return fetch.run(inputs, fetch.Params(**params), out, lambda fraction, text="": None)


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_folder_is_copied_without_what_no_build_needs(tiny_segformer: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tiny_segformer, tmp_path / "source"))
    (source / "preprocessor_config.json").write_text("{}")
    (source / "optimizer.pt").write_bytes(b"big")
    metrics = run(tmp_path / "out", source)
    copied = files(tmp_path / "out")
    assert set(copied) == {"model/config.json", "model/preprocessor_config.json", "model/model.safetensors"}
    assert copied["model/model.safetensors"] == (tiny_segformer / "model.safetensors").read_bytes()
    assert metrics == {"origin": "folder", "bytes": sum(map(len, copied.values()))}


def test_random_weights_take_only_the_config_of_a_folder(tiny_segformer: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    shutil.copy(tiny_segformer / "config.json", tmp_path / "source")
    run(tmp_path / "out", tmp_path / "source", weights="random")
    assert files(tmp_path / "out") == {"model/config.json": (tiny_segformer / "config.json").read_bytes()}


def test_random_weights_of_a_known_family_need_nothing_at_all(tmp_path: Path) -> None:
    metrics = run(tmp_path / "out", hub_id=B0, weights="random")
    run(tmp_path / "again", hub_id=B0, weights="random")
    assert files(tmp_path / "out") == files(tmp_path / "again")
    assert json.loads((tmp_path / "out/model/config.json").read_text())["hidden_sizes"] == [32, 64, 160, 256]
    assert metrics["origin"] == "family"


def test_an_unknown_family_names_the_known_ones_and_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"model\.source: somebody/net is not of a known family") as caught:
        run(tmp_path / "out", hub_id="somebody/net", weights="random")
    for words in ("nvidia/mit-b0..b5", "folder", "model.weights: pretrained"):
        assert words in caught.value.remedy


def test_an_onnx_file_is_the_model(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save_model(helper.make_model(graph, opset_imports=opsets), tmp_path / "net.onnx")
    metrics = run(tmp_path / "out", tmp_path / "net.onnx")
    assert files(tmp_path / "out") == {"model.onnx": (tmp_path / "net.onnx").read_bytes()}
    assert metrics["origin"] == "onnx"
    with pytest.raises(RecipeError, match=r"model\.weights: random"):
        run(tmp_path / "random", tmp_path / "net.onnx", weights="random")


def test_a_checkpoint_of_the_authors_becomes_a_model_folder(tmp_path: Path) -> None:
    path, _ = segmentation_checkpoint(tmp_path)
    assert run(tmp_path / "out", path, allow_pickle=True)["origin"] == "checkpoint"
    assert files(tmp_path / "out").keys() == {"model/config.json", "model/model.safetensors"}
    run(tmp_path / "random", path, weights="random")
    assert files(tmp_path / "random").keys() == {"model/config.json"}


def test_nothing_is_written_for_a_damaged_folder(tiny_segformer: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tiny_segformer, tmp_path / "source"))
    weights = source / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(StepError, match=r"model\.safetensors is damaged or cut short"):
        run(tmp_path / "out", source)
    assert files(tmp_path / "out") == {}
