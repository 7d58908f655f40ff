#!/usr/bin/env python3
"""Run the model of this bundle on images.

    python3 run.py street.jpg
    python3 run.py --input audio=frame.npy        # of a model that takes no image
    python3 run.py --input audio=frames           # a folder: one after another, in the order of their names
    python3 run.py --text "a red car" --text texts.txt        # of a model of text: a text, or a file with one a line

writes street-ids.png (class ids) and street-overlay.png, or for other tasks than segmentation street-result.png, and
each output as an .npy file; of a detector also street-boxes.json.

On the board it needs numpy, pillow and pyaxengine; a bundle whose model is an .onnx file runs on any machine that has
onnxruntime; texts need tokenizers, too. What the model takes and gives is read from model.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
SHOWN = 0.25  # the score from which on an object is told; the model's own threshold is for measuring
PROVIDERS = {"board": ["AxEngineExecutionProvider"], "card": ["AXCLRTExecutionProvider"], "auto": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", type=Path, help="image files; none if the model takes no image")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the results; by default the current one")
    parser.add_argument(
        "--device", choices=PROVIDERS, default="auto", help="the board's own NPU, or a PCIe or M.2 card"
    )
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=FILE", help="what it takes that is no image: .npy"
    )
    parser.add_argument("--text", action="append", default=[], help="a text, or a .txt file with one a line")
    parser.add_argument("--card", type=int, metavar="INDEX", help="of several cards or chips: which one, from 0")
    parser.add_argument(
        "--group", type=int, default=0, metavar="N", help="of a model for several shapes: 0 its own, 1 the first more"
    )
    given = parser.parse_args()
    interface = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
    if bool(given.images) != bool(interface["input"]):
        sys.exit("this model takes an image: name image files" if interface["input"] else "this model takes no image")
    if interface["input"]:
        interface["input"] = at_group(interface["input"], given.group)
    providers = PROVIDERS["card" if given.card is not None else given.device]
    session = open_session(HERE / interface["model"], providers, given.card)
    group = {"shape_group": given.group} if given.group else {}
    samples = texts(given.text, interface) or others(interface.get("more_inputs", []), given.input)
    given.out.mkdir(parents=True, exist_ok=True)
    if not given.images:
        for name, outputs in in_turn(session, samples, interface, group):
            for written in save(given.out / name, outputs, interface):
                print(written)
    _, more = samples[0]
    for path in given.images:
        with Image.open(path) as file:
            file.load()
        image = to_rgb(file)
        feed = {interface["input"]["name"]: preprocess(file, interface["input"]), **more}
        outputs = in_order(session.run(None, feed, **group), interface)
        for written in draw(given.out / path.stem, image, outputs, interface):
            print(written)


def in_order(outputs: list, interface: dict) -> list:
    """The outputs with their axes in the network's own order, where the compiled model gives them in another."""
    orders = [spec.get("permuted", range(output.ndim)) for output, spec in zip(outputs, interface["outputs"])]
    return [np.transpose(output, np.argsort(order)) for output, order in zip(outputs, orders)]


def at_group(spec: dict, group: int) -> dict:
    """The input at one of the shapes that the model was compiled for."""
    shapes = spec.get("more_shapes", [])
    if not 0 <= group <= len(shapes):
        sys.exit(f"--group {group}: this model takes {1 + len(shapes)} shapes, 0 to {len(shapes)}")
    if not group:
        return spec
    batch, channels, height, width = shapes[group - 1]
    shape = [batch, height, width, channels] if spec["layout"] == "NHWC" else [batch, channels, height, width]
    if "csc_mode" in spec:
        rows, planes = (height * 3 // 2, 1) if spec["color"].endswith("420SP") else (height, 2)
        shape = [batch, rows, width, planes]
    return {**spec, "height": height, "width": width, "shape": shape}


def open_session(path: Path, providers: list[str] | None, card: int | None = None):
    """The model, ready to run: with pyaxengine, whose interface is ONNX Runtime's, or with ONNX Runtime itself."""
    if path.suffix == ".axmodel":
        try:
            import axengine
        except ImportError as error:
            sys.exit(f"{path.name} runs on the board, with pyaxengine: {error}\n  github.com/AXERA-TECH/pyaxengine")
        options = {} if card is None else {"provider_options": [{"device_id": card}]}
        return axengine.InferenceSession(str(path), providers=providers, **options)
    try:
        import onnxruntime
    except ImportError as error:
        sys.exit(f"{path.name} runs with ONNX Runtime: {error}\n  pip install onnxruntime")
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # compute what is written, on every CPU alike
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def texts(given: list, interface: dict) -> list:
    """The samples that texts are made into, each with its name and its tensors; none where there are no texts."""
    if not given:
        return []
    if "tokenizer" not in interface:
        sys.exit("this bundle has no tokenizer: feed what the model takes with --input")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        sys.exit(f"texts become tokens by the library tokenizers: {error}\n  pip install tokenizers")
    tokenizer = Tokenizer.from_file(str(HERE / interface["tokenizer"]))
    files = [Path(one).read_text(encoding="utf-8").splitlines() if one.endswith(".txt") else [one] for one in given]
    lines = [line.strip() for lines in files for line in lines if line.strip()]
    samples = []
    for number, encoded in enumerate(tokenizer.encode_batch(lines), 1):
        made = {
            "input_ids": encoded.ids,
            "attention_mask": encoded.attention_mask,
            "token_type_ids": encoded.type_ids,
        }
        wanted = interface["more_inputs"]
        tensors = {one["name"]: np.array(made[one["name"]], one["dtype"]).reshape(one["shape"]) for one in wanted}
        samples.append((f"{number:06}" if len(lines) > 1 else "output", tensors))
    return samples


def others(wanted: list, given: list) -> list:
    """The samples of other inputs than the image, each with its name and its tensors, which are taken as they are.

    A state need not be given: it is zeros with the first sample.
    """
    paths = {name: Path(file) for name, _, file in (one.partition("=") for one in given)}
    needed = [one["name"] for one in wanted if "feedback" not in one]
    if not set(needed) <= set(paths) <= {one["name"] for one in wanted}:
        sys.exit(f"this model takes {', '.join(needed) or 'no tensors'}: --input NAME=FILE.npy for each")
    files = {name: sorted(path.glob("*.npy")) if path.is_dir() else [path] for name, path in paths.items()}
    count = max(map(len, files.values()), default=1)
    if short := [name for name, there in files.items() if len(there) not in (1, count)]:
        sys.exit(f"--input {short[0]}: {len(files[short[0]])} .npy files, and another input has {count}")
    samples = []
    for at in range(count):
        here = {name: there[at if len(there) > 1 else 0] for name, there in files.items()}
        tensors = {one["name"]: tensor(here.get(one["name"]), one) for one in wanted}
        samples.append((here[needed[0]].stem if count > 1 else "output", tensors))
    return samples


def tensor(file: Path | None, spec: dict) -> np.ndarray:
    """What is in a file, or zeros."""
    if file is None:
        return np.zeros(spec["shape"], spec["dtype"])
    return np.load(file).astype(spec["dtype"]).reshape(spec["shape"])


def in_turn(session, samples: list, interface: dict, group: dict):
    """The outputs for each sample, in the network's order of axes; what belongs to a state is fed with the next one."""
    names = [output["name"] for output in interface["outputs"]]
    states = {one["name"]: one["feedback"] for one in interface.get("more_inputs", []) if "feedback" in one}
    kept = {}
    for name, tensors in samples:
        outputs = in_order(session.run(None, {**tensors, **kept}, **group), interface)
        kept = {state: outputs[names.index(output)] for state, output in states.items()}
        yield name, outputs


def to_rgb(image: Image.Image) -> Image.Image:
    """The image with three 8-bit channels; of sixteen bits the high byte is kept. EXIF rotation is not applied."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    return image.convert("RGB")


def to_color(image: Image.Image, color: str) -> Image.Image:
    """The image with the channels of GRAY or RGBA, or else with three."""
    if color == "GRAY" and image.mode != "L":
        return to_rgb(image).convert("L")
    if color == "RGBA":
        return image.convert("RGBA") if image.mode in ("RGBA", "LA", "PA", "P") else to_rgb(image).convert("RGBA")
    return image if color == "GRAY" else to_rgb(image)


def preprocess(image: Image.Image, spec: dict) -> np.ndarray:
    """The model's input: pixels as they are, normalized, or YUV, as ``model.json`` has it."""
    pixels = np.asarray(fit(image, spec)).reshape(spec["height"], spec["width"], -1)
    if "csc_mode" in spec:
        return np.ascontiguousarray(np.broadcast_to(to_yuv(pixels, spec["color"], spec["csc_mode"]), spec["shape"]))
    if spec["color"] == "BGR":
        pixels = pixels[:, :, ::-1]
    if spec["normalized_by"] == "program":
        pixels = (pixels - np.array(spec["mean"], np.float32)) / np.array(spec["std"], np.float32)
    if spec["layout"] == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(np.broadcast_to(pixels.astype(spec["dtype"]), spec["shape"]))


def fit(image: Image.Image, spec: dict) -> Image.Image:
    """The image in the size of the input: stretched, or with its aspect ratio and grey beside it."""
    size = spec["width"], spec["height"]
    image = to_color(image, spec["color"])
    if "letterbox" not in spec:
        return image.resize(size, Image.Resampling.BILINEAR)
    grey = spec["letterbox"]["pad_value"]
    placed, box = placement(image, spec), Image.new(image.mode, size, grey if image.mode == "L" else (grey,) * 3)
    box.paste(image.resize((placed.width, placed.height), Image.Resampling.BILINEAR), (placed.left, placed.top))
    return box


def placement(image: Image.Image, spec: dict):
    """Where the image lies in the input."""
    import letterbox

    boxed = spec.get("letterbox")
    corner = bool(boxed) and boxed["align"] == "top-left"
    return letterbox.place(image.size, (spec["width"], spec["height"]), letterbox=bool(boxed), corner=corner)


def to_yuv(pixels: np.ndarray, color: str, csc_mode: str) -> np.ndarray:
    """YUV (ITU-R BT.601) of RGB pixels: [3H/2, W, 1] for 4:2:0, [H, W, 2] for 4:2:2. A camera gives it as it is."""
    if csc_mode == "Matrix":
        sys.exit("this model takes YUV by a matrix of its own: feed it frames of that camera, not images")
    (height, width, _), rows = pixels.shape, 2 if color.endswith("420SP") else 1
    weights = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    planes = pixels.astype(np.float64) @ np.array(weights).T
    if csc_mode == "LimitedRange":
        planes *= (219 / 255, 224 / 255, 224 / 255)
    planes += (16 if csc_mode == "LimitedRange" else 0, 128, 128)
    shared = planes.reshape(height // rows, rows, width // 2, 2, 3).mean((1, 3))[..., 1:]
    luma, shared = (np.clip(np.rint(it), 0, 255).astype(np.uint8) for it in (planes[..., 0], shared))
    if color == "YVU420SP":
        shared = shared[..., ::-1]
    colours = shared.reshape(height // rows, width)
    if rows == 2:
        return np.concatenate([luma, colours])[..., np.newaxis]
    return np.stack((colours, luma) if color == "UYVY422" else (luma, colours), axis=-1)


def draw(stem: Path, image: Image.Image, outputs: list, interface: dict) -> list[Path]:
    """Write what the model gave, as a picture where it is one; the paths of the files."""
    if interface["task"] == "semantic-segmentation":
        return draw_classes(stem, image, outputs, interface["labels"])
    files = save(stem, outputs, interface)
    if interface["task"] == "image-to-image":
        files.append(stem.with_name(f"{stem.name}-result.png"))
        restored(outputs[0][0], interface["outputs"][0]).save(files[-1])
        return files
    picture = None
    if interface["task"] == "depth-estimation":
        picture = shades(np.squeeze(outputs[0]))
    elif interface["task"] == "image-feature-extraction":
        picture = components(outputs[0][0], interface["input"])
    elif interface["task"] == "object-detection":
        objects = detect(image, outputs, interface)
        files.append(stem.with_name(f"{stem.name}-boxes.json"))
        files[-1].write_text(json.dumps(objects, indent=1) + "\n", encoding="utf-8")
        picture = with_boxes(image, objects, interface["labels"])
    elif interface["task"] == "image-classification":
        picture = with_best(image, outputs[0].ravel(), interface["labels"])
    if picture is not None:
        files.append(stem.with_name(f"{stem.name}-result.png"))
        picture.resize(image.size, Image.Resampling.NEAREST).save(files[-1])
    return files


def save(stem: Path, outputs: list, interface: dict) -> list[Path]:
    """Write each output as an .npy file; their paths."""
    files = [stem.with_name(f"{stem.name}-{spec['name']}.npy") for spec in interface["outputs"]]
    for file, output in zip(files, outputs):
        np.save(file, output)
    return files


def restored(values: np.ndarray, spec: dict) -> Image.Image:
    """The image that the model made, in its own size: of values [3, h, w], or [1, h, w] for a matte of 0..1."""
    if len(values) == 1:
        pixels = values[0] * 255
    else:
        pixels = values.transpose(1, 2, 0) * np.array(spec["std"], np.float32) + np.array(spec["mean"], np.float32)
        pixels = pixels[..., ::-1] if spec["color"] == "BGR" else pixels
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def shades(values: np.ndarray) -> Image.Image:
    """Values [h, w], or [h, w, 3] channel by channel, from black (the least) to white."""
    low, high = values.min((0, 1)), values.max((0, 1))
    return Image.fromarray(((values - low) / np.maximum(high - low, 1e-12) * 255).astype(np.uint8))


def components(features: np.ndarray, spec: dict):
    """Features of patches [places, C] as a picture of their three main components; None if they are no grid."""
    if features.ndim != 2:
        return None
    rows = round((len(features) * spec["height"] / spec["width"]) ** 0.5)
    if rows < 2 or len(features) % rows:
        return None
    centred = features.astype(np.float64) - features.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return shades((centred @ axes[:3].T).reshape(rows, -1, min(3, len(axes))))


def with_best(image: Image.Image, scores: np.ndarray, labels: list) -> Image.Image:
    """The image with the five strongest classes written into it."""
    names = {label["id"]: label["name"] for label in labels}
    odds = np.exp(scores.astype(np.float64) - scores.max())
    odds /= odds.sum()
    best = [f"{100 * odds[i]:.1f} %  {names.get(int(i), f'class {i}')}" for i in np.argsort(-scores, kind="stable")[:5]]
    print("\n".join(best))
    drawn = image.copy()
    pen, text = ImageDraw.Draw(drawn), "\n".join(best)
    pen.rectangle(pen.textbbox((4, 4), text), fill=(0, 0, 0))
    pen.text((4, 4), text, fill=(255, 255, 255))
    return drawn


def detect(image: Image.Image, outputs: list, interface: dict) -> list[dict]:
    """The objects in the image, the highest score first: class id, name, score, and x1, y1, x2, y2 in its pixels."""
    import decode
    import letterbox
    import nms

    how, spec = interface["detector"], interface["input"]
    size, names = (spec["width"], spec["height"]), {label["id"]: label["name"] for label in interface["labels"]}
    boxes, scores, ids = decode.decode(
        how["kind"],
        outputs,
        classes=how["classes"],
        size=size,
        threshold=max(how["threshold"], SHOWN),
        anchors=how["anchors"],
    )
    kept = nms.nms(boxes, scores, ids, limit=how["iou"]) if how["nms"] else np.arange(len(ids))
    kept = kept[: how["limit"]]
    corners = letterbox.to_image(boxes[kept], placement(image, spec), image.size)
    rows = zip(ids[kept].tolist(), scores[kept].round(4).tolist(), corners.round(2).tolist())
    return [{"id": i, "name": names.get(i, f"class {i}"), "score": s, "box": box} for i, s, box in rows]


def with_boxes(image: Image.Image, objects: list[dict], labels: list) -> Image.Image:
    """The image with a frame for each object, the highest score on top."""
    colors = {label["id"]: tuple(label["color"]) for label in labels}
    drawn = image.copy()
    pen = ImageDraw.Draw(drawn)
    for one in reversed(objects):
        text, color = f"{one['name']} {one['score']:.2f}", colors.get(one["id"], (255, 0, 0))
        print(text, *one["box"])
        pen.rectangle(one["box"], outline=color, width=2)
        pen.rectangle(pen.textbbox(one["box"][:2], text), fill=color)
        pen.text(one["box"][:2], text, fill=(0, 0, 0))
    return drawn


def draw_classes(stem: Path, image: Image.Image, outputs: list, labels: list) -> list[Path]:
    """Class ids, and their colours over the image."""
    ids = enlarge(class_ids(outputs), image.height, image.width)
    colors = np.zeros((256, 3), np.uint8)
    for label in labels:
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
