"""The same names of classes in all that a build writes, from the model's own config.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.answered import answered

from recipebuild.report.page.accuracy import accuracy
from recipebuild.report.page.built import builds
from recipebuild.steps import evaluate, preview
from recipebuild.toolkit.evaluate.palette import CITYSCAPES
from recipebuild.toolkit.models.export import export
from recipebuild.toolkit.models.load import load

INPUT = {"name": "pixel_values", "shape": [1, 3, 64, 64], "color": "RGB", "mean": [128] * 3, "std": [64] * 3}
FRUIT = [
    "apple", "banana", "cherry", "date", "elderberry", "fig", "grape", "honeydew", "jackfruit", "kiwi", "lemon",
    "mango", "nectarine", "orange", "papaya", "quince", "raspberry", "satsuma", "tangerine",
]  # fmt: skip


def silent(fraction: float, text: str = "") -> None: ...


def segformer(folder: Path, names: list[str]) -> Path:
    """A random SegFormer whose config.json names its classes, and beside it the same as model.onnx."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)},
        hidden_sizes=[8, 16, 24, 32], depths=[1] * 4, num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=32,
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).eval().save_pretrained(folder / "model", safe_serialization=True)
    module = load(folder / "model", task="semantic-segmentation", weights="pretrained", seed=0)
    export(
        module, folder / "model.onnx",
        input_name="pixel_values", output_name="logits", shape=(1, 3, 64, 64), opset=17, exporter="torchscript",
    )  # fmt: skip
    return folder / "model"


def dataset(folder: Path, classes: int) -> Path:
    rng = np.random.default_rng(0)
    for part, shape, above in (("images", (64, 64, 3), 256), ("labels", (64, 64), classes)):
        (folder / part).mkdir(parents=True)
        Image.fromarray(rng.integers(0, above, shape, dtype=np.uint8)).save(folder / part / "a.png")
    return folder


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(FRUIT, marks=pytest.mark.slow, id="19"),
        pytest.param(FRUIT[:5], id="5"),
        pytest.param([label.name for label in CITYSCAPES], id="streets"),
    ],
)
def test_evaluation_pictures_and_report_call_classes_as_the_model_does(tmp_path: Path, names: list[str]) -> None:
    weights = segformer(tmp_path, names)
    inputs = {"model": tmp_path / "model.onnx", "dataset": dataset(tmp_path / "data", len(names))}
    out, drawn = tmp_path / "steps/evaluate", tmp_path / "steps/preview"
    out.mkdir(parents=True)
    drawn.mkdir(parents=True)
    inputs |= answered({"float": inputs["model"]}, inputs["dataset"], tmp_path, input=INPUT)
    metrics = evaluate.run({**inputs, "weights": weights}, evaluate.Params(), out, silent)
    inputs |= {"config": weights / "config.json", "calibration": tmp_path / "data" / "images"}
    preview.run(inputs, preview.Params.model_validate({"input": INPUT}), drawn, silent)
    assert json.loads((out / "evaluation.json").read_text())["labels"] == names
    legend = json.loads((drawn / "panels/classes.json").read_text())
    assert [label["name"] for label in legend] == names
    assert (legend[0]["color"] == "#804080") == (names[0] == "road")
    entry = {"id": "evaluate", "name": "evaluate", "variant": "", "status": "built", "outputs": [], "metrics": metrics}
    manifest = {"recipe": "fruit", "steps": [entry], "variants": {"": ["evaluate"]}, "toolchain": {}}
    section = accuracy(builds(manifest, tmp_path)[0])
    assert section is not None
    assert {row[0].text for row in section.tables[-1].rows} == set(names)
