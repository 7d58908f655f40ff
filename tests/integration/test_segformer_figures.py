"""SegFormer's own figures: Xie et al., "SegFormer", 2021, table 1a (ADE20K; 512x512, B5 at 640x640).

The paper's FLOPs are multiply-adds, and count the products of attention.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.toolkit.graph.describe import describe
from recipebuild.toolkit.models.checkpoint import write_config
from recipebuild.toolkit.models.export import export
from recipebuild.toolkit.models.families import config_for
from recipebuild.toolkit.models.load import load

PAPER = [  # size, side, millions of parameters, billions of multiply-adds
    ("b0", 512, 3.8, 8.4),
    ("b1", 512, 13.7, 15.9),
    ("b2", 512, 27.5, 62.4),
    ("b3", 512, 47.3, 79.0),
    ("b4", 512, 64.1, 95.7),
    ("b5", 640, 84.7, 183.3),
]


@pytest.mark.parametrize(
    ("size", "side", "parameters", "multiply_adds"),
    [pytest.param(*row, marks=[] if row[0] == "b0" else pytest.mark.slow, id=row[0]) for row in PAPER],
)
def test_the_exported_graph_has_the_papers_figures(
    size: str, side: int, parameters: float, multiply_adds: float, tmp_path: Path
) -> None:
    config = config_for(f"nvidia/segformer-{size}-finetuned-ade-{side}-{side}")
    assert config is not None
    write_config(config, tmp_path / "model")
    module = load(tmp_path / "model", task="semantic-segmentation", weights="random", seed=0)
    exporter, opset = ("torchscript", 17) if size == "b0" else ("dynamo", 18)
    names = {"input_name": "pixel_values", "output_name": "logits"}
    path = tmp_path / "export.onnx"
    exported = export(module, path, shape=(1, 3, side, side), opset=opset, exporter=exporter, **names)
    assert exported.parameters / 1e6 == pytest.approx(parameters, rel=0.02)
    assert describe(path).multiply_adds / 1e9 == pytest.approx(multiply_adds, rel=0.02)
