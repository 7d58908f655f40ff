"""Decomposing by operator: the same program as torch's, to the byte, without tracing the model again."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.onnx._internal.exporter import _fx_passes
from torch.onnx._internal.exporter._registration import ONNXRegistry

from recipebuild.toolkit.models.decompose import decomposed_by_operator
from recipebuild.toolkit.models.export import export
from recipebuild.toolkit.models.load import load


class _Many(torch.nn.Module):  # type: ignore[misc]  # mypy takes torch for Any
    """Operators that are kept, that are spelled out, that give several tensors, and some whose result nobody takes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 8, 16, 16)
        self.mix = torch.nn.Conv2d(8, 8, 1, padding="valid")
        self.norm = torch.nn.BatchNorm2d(8)
        self.qkv = torch.nn.Linear(8, 24)
        self.up = torch.nn.ConvTranspose2d(8, 4, 2, 2)
        self.drop = torch.nn.Dropout(0.1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # a name that Python has for itself
        features = self.norm(self.mix(self.stem(input)))
        tokens = self.drop(features.flatten(2).transpose(1, 2).contiguous())
        q, k, v = self.qkv(tokens).to(torch.float32)[:, None].chunk(3, dim=-1)
        attended = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        torch.nn.functional.scaled_dot_product_attention(v, k, q)
        low, high = attended[:, 0].split([2, 6], dim=-1)
        rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
        places = (rows + columns).reshape(1, 16, 1)
        joined = torch.cat([high, low], -1).sub(places).transpose(1, 2).reshape(features.shape)
        return self.up(joined) + torch.nn.functional.adaptive_avg_pool2d(self.up(features), 1)


class _InPlace(torch.nn.Module):  # type: ignore[misc]
    """Adds to a tensor in its place."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        twice = pixels * 2
        twice.add_(1)
        return twice.relu_()


def _exported(module: torch.nn.Module, path: Path) -> bytes:
    export(
        module, path, input_name="pixels", output_name="out", shape=(1, 3, 64, 64), opset=18, exporter="dynamo"
    )  # fmt: skip
    return path.read_bytes()


def _by_torch(module: torch.nn.Module, path: Path) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recipebuild.toolkit.models.export.decomposed_by_operator", nullcontext)
        return _exported(module, path)


def _refused(*_: Any) -> Any:
    raise AssertionError("the whole model is traced again")


def test_the_same_bytes_as_torchs_without_tracing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    module = _Many()
    theirs = _by_torch(module, tmp_path / "theirs.onnx")
    monkeypatch.setattr(_fx_passes, "decompose_with_registry", _refused)
    assert _exported(module, tmp_path / "ours.onnx") == theirs


@pytest.mark.slow
def test_a_segformer_is_not_traced_again(tiny_segformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(tiny_segformer, task="semantic-segmentation", weights="pretrained", seed=0)
    monkeypatch.setattr(_fx_passes, "decompose_with_registry", _refused)
    assert _exported(module, tmp_path / "ours.onnx")


def test_operators_that_write_in_place_are_left_to_torch(tmp_path: Path) -> None:
    theirs = _by_torch(_InPlace(), tmp_path / "theirs.onnx")
    assert _exported(_InPlace(), tmp_path / "ours.onnx") == theirs


def test_another_version_of_torch_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose inside has other names."""
    monkeypatch.delattr("torch.export.exported_program._split_decomp_table_to_cia_and_python_decomp")
    monkeypatch.setattr(_fx_passes, "decompose_with_registry", lambda *_: "by torch")
    with decomposed_by_operator():
        assert _fx_passes.decompose_with_registry(None, ONNXRegistry.from_torchlib()) == "by torch"
