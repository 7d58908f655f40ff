#!/usr/bin/env python3
"""Run the model of this bundle on images.

    python3 run.py street.jpg        # writes street-ids.png (class ids) and street-overlay.png

On the board it needs numpy, pillow and pyaxengine; a bundle whose model is an .onnx file runs on any machine that has
onnxruntime. What the model takes and gives is read from model.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
PROVIDERS = {"board": ["AxEngineExecutionProvider"], "card": ["AXCLRTExecutionProvider"], "auto": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", type=Path, help="image files")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the results; by default the current one")
    parser.add_argument(
        "--device", choices=PROVIDERS, default="auto", help="the board's own NPU, or a PCIe or M.2 card"
    )
    given = parser.parse_args()
    interface = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
    session = open_session(HERE / interface["model"], PROVIDERS[given.device])
    given.out.mkdir(parents=True, exist_ok=True)
    for path in given.images:
        with Image.open(path) as file:
            image = to_rgb(file)
        outputs = session.run(None, {interface["input"]["name"]: preprocess(image, interface["input"])})
        for written in draw(given.out / path.stem, image, outputs, interface):
            print(written)


def open_session(path: Path, providers: list[str] | None):
    """The model, ready to run: with pyaxengine, whose interface is ONNX Runtime's, or with ONNX Runtime itself."""
    if path.suffix == ".axmodel":
        try:
            import axengine
        except ImportError as error:
            sys.exit(f"{path.name} runs on the board, with pyaxengine: {error}\n  github.com/AXERA-TECH/pyaxengine")
        return axengine.InferenceSession(str(path), providers=providers)
    try:
        import onnxruntime
    except ImportError as error:
        sys.exit(f"{path.name} runs with ONNX Runtime: {error}\n  pip install onnxruntime")
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # compute what is written, on every CPU alike
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def to_rgb(image: Image.Image) -> Image.Image:
    """The image with three 8-bit channels; of sixteen bits the high byte is kept. EXIF rotation is not applied."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    return image.convert("RGB")


def preprocess(image: Image.Image, spec: dict) -> np.ndarray:
    """The model's input: pixels as they are (uint8 N, H, W, C), or normalized (float32 N, C, H, W)."""
    resized = image.resize((spec["width"], spec["height"]), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized)
    if spec["color"] == "BGR":
        pixels = pixels[:, :, ::-1]
    if spec["dtype"] == "float32":
        pixels = (pixels - np.array(spec["mean"], np.float32)) / np.array(spec["std"], np.float32)
    if spec["layout"] == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(np.broadcast_to(pixels, spec["shape"]))


def draw(stem: Path, image: Image.Image, outputs: list, interface: dict) -> list[Path]:
    """Write what the model gave; the paths of the files."""
    if interface["task"] != "semantic-segmentation":
        files = [stem.with_name(f"{stem.name}-{spec['name']}.npy") for spec in interface["outputs"]]
        for file, output in zip(files, outputs):
            np.save(file, output)
        return files
    ids = enlarge(class_ids(outputs), image.height, image.width)
    colors = np.zeros((256, 3), np.uint8)
    for label in interface["labels"]:
        colors[label["id"]] = label["color"]
    files = [stem.with_name(f"{stem.name}-ids.png"), stem.with_name(f"{stem.name}-overlay.png")]
    Image.fromarray(ids).save(files[0])
    Image.blend(image, Image.fromarray(colors[ids]), 0.6).save(files[1])
    return files


def class_ids(outputs: list) -> np.ndarray:
    """Class ids uint8 [h, w]: the model's integer output (int32 on the NPU), or the ArgMax of its logits."""
    integers = [output for output in outputs if output.dtype.kind in "iu"]
    ids = integers[0][0] if integers else outputs[0][0].argmax(axis=0)
    return ids.reshape(ids.shape[-2:]).astype(np.uint8)


def enlarge(ids: np.ndarray, height: int, width: int) -> np.ndarray:
    """``ids`` at another size: each pixel takes the class at its own centre (nearest neighbour)."""
    rows = (2 * np.arange(height) + 1) * ids.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * ids.shape[1] // (2 * width)
    return ids[rows[:, np.newaxis], columns]


if __name__ == "__main__":
    main()
