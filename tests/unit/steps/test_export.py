"""export as the engine calls it."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.figures.exported import Exported
from recipebuild.steps import export
from recipebuild.toolkit.models.export import ExportError

PARAMS: dict[str, Any] = {
    "task": "semantic-segmentation",
    "weights": "random",
    "seed": 3,
    "input_name": "pixel_values",
    "shape": (1, 3, 64, 64),
    "output_name": "logits",
    "opset": 11,
    "exporter": "torchscript",
}


def run(model: Path, out: Path, **params: Any) -> dict[str, Any]:
    out.mkdir()
    return export.run({"model": model}, export.Params(**{**PARAMS, **params}), out, lambda fraction, text="": None)


def test_random_weights_give_the_same_file_from_the_config_alone(tiny_segformer: Path, tmp_path: Path) -> None:
    (tmp_path / "config-only").mkdir()
    shutil.copy(tiny_segformer / "config.json", tmp_path / "config-only")
    first = run(tiny_segformer, tmp_path / "a")
    again = run(tmp_path / "config-only", tmp_path / "b")
    run(tiny_segformer, tmp_path / "c", seed=4)
    content = {name: (tmp_path / name / "export.onnx").read_bytes() for name in "abc"}
    assert (first, content["a"]) == (again, content["b"])
    assert content["a"] != content["c"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["export.onnx"]


def test_the_names_and_the_shape_are_those_of_the_recipe(tiny_segformer: Path, tmp_path: Path) -> None:
    import onnx

    metrics = run(tiny_segformer, tmp_path / "out", weights="pretrained", input_name="image", output_name="scores")
    graph = onnx.load(tmp_path / "out/export.onnx").graph
    ends = [
        (end.name, [dim.dim_value for dim in end.type.tensor_type.shape.dim]) for end in [*graph.input, *graph.output]
    ]
    assert ends == [("image", [1, 3, 64, 64]), ("scores", [1, 19, 16, 16])]
    assert metrics["opset"] == 11
    assert metrics["operators"]["Resize"] == 4


def test_a_rejected_shape_leaves_nothing_behind(tiny_segformer: Path, tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"input\.shape: the model rejects 1x4x64x64"):
        run(tiny_segformer, tmp_path / "out", shape=(1, 4, 64, 64))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_second_try_does_not_keep_the_first_model_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[weakref.ref[Any]] = []

    class Model:
        def __init__(self) -> None:
            self.itself = self  # as modules of torch may be

    def load(folder: Path, **options: Any) -> Model:
        assert not any(model() for model in models)
        model = Model()
        models.append(weakref.ref(model))
        return model

    def exported(module: Model, path: Path, **options: Any) -> Exported:
        if len(models) == 1:
            raise ExportError("not so") from ValueError(module)
        return Exported(opset=17, nodes=1, bytes=1, parameters=1, exporter="dynamo", operators={})

    monkeypatch.setattr(export, "load", load)
    monkeypatch.setattr(export, "export", exported)
    assert run(tmp_path, tmp_path / "out", opset=17)["nodes"] == 1
    assert len(models) == 2


def test_what_an_export_leaves_is_not_looked_through_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = Exported(opset=17, nodes=1, bytes=1, parameters=1, exporter="dynamo", operators={})
    kept: list[Any] = []
    monkeypatch.setattr(export, "load", lambda *these, **named: kept.append([{}]))
    monkeypatch.setattr(export, "export", lambda *these, **named: figures)
    run(tmp_path, tmp_path / "out")
    assert gc.isenabled()
    assert not any(each is kept[0] for each in gc.get_objects())
    gc.unfreeze()
