"""The exporters: same numbers as PyTorch, same bytes in every place, names that lead back to the module."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.figures.exported import Exported as Figures
from recipebuild.toolkit.models import export as exporting
from recipebuild.toolkit.models.export import NAME_SCOPES, ExportError, attention_for, export
from recipebuild.toolkit.models.load import load

ROOT = Path(__file__).resolve().parents[4]
HOW: dict[str, Any] = {"task": "semantic-segmentation", "weights": "pretrained", "seed": 0}
WHAT: dict[str, Any] = {"input_name": "image", "output_name": "scores", "shape": (1, 3, 64, 96)}
CASES = [("dynamo", 17), ("torchscript", 11), ("torchscript", 17)]

ELSEWHERE = """
import json, sys
from pathlib import Path
from recipebuild.toolkit.models.export import attention_for, export
from recipebuild.toolkit.models.load import load

for exporter, opset in json.loads(sys.argv[3]):
    attention = attention_for(opset)
    module = load(Path(sys.argv[1]), task="semantic-segmentation", weights="pretrained", seed=0, attention=attention)
    path = Path(sys.argv[2]) / f"{exporter}-{opset}.onnx"
    export(module, path, input_name="image", output_name="scores", shape=(1, 3, 64, 96), opset=opset, exporter=exporter)
"""


@dataclass(frozen=True)
class Exported:
    """One export of the tiny model, alone in its folder."""

    exporter: str
    opset: int
    path: Path
    metrics: Figures


@pytest.fixture(scope="module")
def exports(tiny_segformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exported]:
    """Exports of the tiny model, each made once: a dynamo export takes seconds."""

    @cache
    def make(exporter: str, opset: int) -> Exported:
        path = tmp_path_factory.mktemp("export") / "export.onnx"
        module = load(tiny_segformer, **HOW, attention=attention_for(opset))
        return Exported(exporter, opset, path, export(module, path, **WHAT, opset=opset, exporter=exporter))

    return make


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def exported(request: pytest.FixtureRequest, exports: Callable[..., Exported]) -> Exported:
    return exports(*request.param)


def test_the_graph_computes_what_the_module_does(exported: Exported, tiny_segformer: Path) -> None:
    import numpy as np
    import onnxruntime
    import torch

    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = load(tiny_segformer, **HOW)(image).numpy()
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"image": image.numpy()})
    assert np.abs(scores - expected).max() < 1e-4
    assert (session.get_inputs()[0].shape, session.get_outputs()[0].shape) == ([1, 3, 64, 96], [1, 19, 16, 24])


def test_the_file_is_of_the_opset_asked_for(exported: Exported) -> None:
    import onnx

    model = onnx.load(exported.path)
    onnx.checker.check_model(model)
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [exported.opset]


def test_the_figures_are_those_of_the_file(exported: Exported) -> None:
    import onnx

    metrics = exported.metrics
    nodes = onnx.load(exported.path).graph.node
    assert metrics.nodes == len(nodes) == sum(metrics.operators.values())
    assert metrics.operators["Conv"] == sum(node.op_type == "Conv" for node in nodes)
    assert metrics.bytes == exported.path.stat().st_size
    assert (metrics.exporter, metrics.opset) == (exported.exporter, exported.opset)
    assert metrics.parameters == 58491
    assert [path.name for path in exported.path.parent.iterdir()] == ["export.onnx"]


def test_no_machine_is_in_the_file(exported: Exported) -> None:
    content = exported.path.read_bytes()
    for trace in (b"site-packages", b".py", str(ROOT).encode(), b"+cpu", b"stack_trace"):
        assert trace not in content


@pytest.mark.slow
def test_another_process_in_another_folder_writes_the_same_bytes(
    exports: Callable[..., Exported], tiny_segformer: Path, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tiny_segformer, tmp_path, json.dumps(CASES[:2])],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": "7", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    for exporter, opset in CASES[:2]:  # one of each exporter
        here = exports(exporter, opset).path.read_bytes()
        assert (tmp_path / f"{exporter}-{opset}.onnx").read_bytes() == here


def test_dynamo_says_of_every_node_which_module_it_comes_from(exports: Callable[..., Exported]) -> None:
    import onnx

    model = onnx.load(exports("dynamo", 17).path)
    for node in model.graph.node:
        (entry,) = node.metadata_props
        assert entry.key == NAME_SCOPES
        scopes = ast.literal_eval(entry.value)
        assert scopes[:2] == ["", "model"]
        if node.op_type == "Conv":  # a BatchNorm that became part of it shares its parent
            owner = next(name for name in node.input if name.endswith(".weight")).removesuffix(".weight")
            assert owner.rpartition(".")[0] in scopes


def test_torchscript_says_it_in_the_names_of_nodes(exports: Callable[..., Exported]) -> None:
    import onnx

    names = {node.name for node in onnx.load(exports("torchscript", 11).path).graph.node}
    assert "/model/segformer/stages.0/patch_embeddings/proj/Conv" in names
    assert "/model/decode_head/classifier/Conv" in names


@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
def test_big_weights_go_to_one_file_beside(exporter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import onnx
    import onnxruntime
    import torch

    monkeypatch.setattr(exporting, "EXTERNAL_DATA_OVER", 1000)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3))
    metrics = export(module, tmp_path / "export.onnx", **WHAT, opset=18, exporter=exporter)
    files = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(files) == {"export.onnx", "export.onnx.data"}
    assert metrics.bytes == sum(files.values())
    model = onnx.load(tmp_path / "export.onnx", load_external_data=False)
    places = {e.value for tensor in model.graph.initializer for e in tensor.external_data if e.key == "location"}
    assert places == {"export.onnx.data"}
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(tmp_path / "export.onnx", providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"image": image.numpy()})
    with torch.no_grad():
        assert np.allclose(scores, module(image).numpy(), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 4, 64, 96), (1, 3, 20, 20), (1, 3, 10**6, 10**6)])
def test_a_shape_that_the_model_rejects_is_named(
    shape: tuple[int, int, int, int], tiny_segformer: Path, tmp_path: Path
) -> None:
    module = load(tiny_segformer, **HOW)
    with pytest.raises(StepError, match=r"input\.shape: the model rejects 1x") as caught:
        export(module, tmp_path / "x.onnx", **{**WHAT, "shape": shape}, opset=17, exporter="torchscript")
    assert "\n" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_tried_only_when_its_export_fails(
    tiny_segformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Any] = []
    monkeypatch.setattr(exporting, "try_out", lambda *these: tries.append(these))
    module = load(tiny_segformer, **HOW, attention="sdpa")
    export(module, tmp_path / "x.onnx", **WHAT, opset=17, exporter="torchscript")
    assert tries == []
    with pytest.raises(ExportError):
        export(module, tmp_path / "x.onnx", **WHAT, opset=11, exporter="torchscript")
    assert tries == [(module, WHAT["shape"])]


def test_an_opset_that_the_exporter_cannot_reach_is_an_error(tmp_path: Path) -> None:
    import torch

    with pytest.raises(StepError, match=r"export\.opset: dynamo cannot write this model at opset 99, it comes out at"):
        export(torch.nn.Conv2d(3, 2, 3), tmp_path / "x.onnx", **WHAT, opset=99, exporter="dynamo")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_the_exporter_cannot_write_is_an_error(tiny_segformer: Path, tmp_path: Path) -> None:
    module = load(tiny_segformer, **HOW, attention="sdpa")
    with pytest.raises(StepError, match=r"export\.exporter: torchscript cannot export this model at opset 11: .*opset"):
        export(module, tmp_path / "x.onnx", **WHAT, opset=11, exporter="torchscript")
    assert list(tmp_path.iterdir()) == []


def test_the_module_is_in_eval_mode_all_over_afterwards(tiny_segformer: Path, tmp_path: Path) -> None:
    module = load(tiny_segformer, **HOW)
    module.train()
    export(module, tmp_path / "x.onnx", **WHAT, opset=17, exporter="torchscript")
    assert not any(part.training for part in module.modules())


def test_a_model_that_draws_random_numbers_is_refused(tmp_path: Path) -> None:
    import torch

    class Noisy(torch.nn.Module):  # type: ignore[misc]
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image + torch.rand_like(image)

    with pytest.raises(StepError, match=r"model\.source: the model draws random numbers \(RandomUniformLike\)"):
        export(Noisy(), tmp_path / "x.onnx", **WHAT, opset=17, exporter="torchscript")
    assert list(tmp_path.iterdir()) == []


def test_of_text_several_inputs_go_in_and_an_output_may_be_called_like_a_layer(tmp_path: Path) -> None:
    import numpy as np
    import onnxruntime as ort
    import torch

    class Words(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(9, 4)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Any:
            return (self.table(ids) * mask.unsqueeze(-1)).sum(1)

    module = Words()
    names = ("input_ids", "attention_mask")
    path = tmp_path / "export.onnx"
    export(module, path, input_name=names, output_name="embedding", shape=(1, 3), opset=17, exporter="dynamo")
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [(each.name, each.type, each.shape) for each in session.get_inputs()] == [
        (name, "tensor(int32)", [1, 3]) for name in names
    ]
    feed = {"input_ids": np.array([[8, 1, 0]], np.int32), "attention_mask": np.array([[1, 1, 0]], np.int32)}
    (got,) = session.run(["embedding"], feed)
    table = module.table.weight.detach().numpy()
    np.testing.assert_allclose(got[0], table[8] + table[1], rtol=1e-6)
    with pytest.raises(StepError, match="the model rejects 3 tokens") as caught:
        export(module, path, input_name=("ids",), output_name="out", shape=(1, 3), opset=17, exporter="dynamo")
    assert caught.value.field == "inputs"
