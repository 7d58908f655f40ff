"""The operator table of the SegFormer B0 export that this project began with, before and after onnxsim.

B0 for Cityscapes, torch's tracing exporter, opset 11, eager attention. It was 640x1280 then; the table is that of any
size, and `tests/e2e/test_shipped_recipes.py` exports the recipe at its own.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from recipebuild.steps import export, fetch

TABLE = {
    "Add": 136,
    "Concat": 21,
    "Conv": 20,
    "Erf": 8,
    "MatMul": 68,
    "Pow": 30,
    "ReduceMean": 60,
    "Relu": 1,
    "Reshape": 76,
    "Resize": 4,
    "Shape": 20,
    "Slice": 20,
    "Softmax": 8,
    "Sqrt": 30,
    "Sub": 30,
    "Transpose": 76,
}


def test_b0_exports_to_the_known_operators_and_simplifies(tmp_path: Path) -> None:
    import onnx
    import onnxsim

    fetched, exported = tmp_path / "fetch", tmp_path / "export"
    fetched.mkdir()
    exported.mkdir()
    b0 = fetch.Params(hub_id="nvidia/segformer-b0-finetuned-cityscapes-640-1280", weights="random")
    fetch.run({}, b0, fetched, lambda fraction, text="": None)
    params = export.Params(
        task="semantic-segmentation",
        weights="random",
        seed=0,
        input_name="pixel_values",
        shape=(1, 3, 64, 128),
        output_name="logits",
        opset=11,
        exporter="torchscript",
    )
    metrics = export.run({"model": fetched / "model"}, params, exported, lambda fraction, text="": None)

    model = onnx.load(exported / "export.onnx")
    raw = Counter(node.op_type for node in model.graph.node)
    assert {operator: raw[operator] for operator in TABLE} == TABLE
    assert raw["Div"] + raw["Mul"] == 92
    assert metrics["operators"] == dict(raw)

    simplified, ok = onnxsim.simplify(model)
    after = Counter(node.op_type for node in simplified.graph.node)
    assert ok
    assert (after["Shape"], after["Slice"], after["Concat"]) == (0, 0, 1)
