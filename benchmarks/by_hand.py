"""SegFormer-B0 at 640x1280, random weights, the way it is done by hand: library calls and no record of them.

``python -m benchmarks.by_hand export simplify head calibrate`` does these four in the current folder, in one process;
named one at a time they are four scripts. The calls are those that our steps make.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

SHAPE = (1, 3, 640, 1280)


def export() -> None:
    import onnx
    import torch
    from onnxscript import version_converter
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    class Logits(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = SegformerForSemanticSegmentation(SegformerConfig(num_labels=19))

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            return self.model(pixel_values=pixel_values).logits

    torch.manual_seed(0)
    program = torch.onnx.export(
        Logits().eval(), (torch.zeros(SHAPE),), dynamo=True, opset_version=18, optimize=False, verbose=False,
        input_names=["pixel_values"], output_names=["logits"],
    )  # fmt: skip
    version_converter.convert_version(program.model, 17, fallback=True)
    program.optimize()
    onnx.save(program.model_proto, "export.onnx")


def simplify() -> None:
    import onnx
    import onnxsim

    simplified, _ = onnxsim.simplify("export.onnx", overwrite_input_shapes={"pixel_values": list(SHAPE)})
    onnx.save(simplified, "simplified.onnx")


def head() -> None:
    import numpy as np
    import onnx
    import onnx_graphsurgeon as gs

    graph = gs.import_onnx(onnx.load("simplified.onnx"))
    ids = gs.Variable("argmax_output", dtype=np.int64, shape=(1, 1, SHAPE[2] // 4, SHAPE[3] // 4))
    graph.nodes.append(gs.Node("ArgMax", attrs={"axis": 1, "keepdims": 1}, inputs=graph.outputs, outputs=[ids]))
    graph.outputs = [ids]
    onnx.save(gs.export_onnx(graph), "model.onnx")


def calibrate() -> None:
    from PIL import Image

    folder = Path(__file__).resolve().parent.parent / "recipes" / "quickstart" / "calibration"
    with tarfile.open("calibration.tar", "w") as tar:
        for path in sorted(folder.glob("*.jpg")):
            Image.open(path).load()
            tar.add(path, path.name)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        {"export": export, "simplify": simplify, "head": head, "calibrate": calibrate}[name]()
