"""``pulsar2 run`` of the stand-in ``pulsar2``: what it is given is checked, what it gives is made up.

Of a model that takes [N, H, W, 3] in uint8, or [N, 3H/2, W, 1], which it takes for NV12, it gives the strongest channel
of the nearest pixel: its number where an output has one channel, and 1.0 at its place, else 0.0, where an output has
many. Of a model that takes tensors it gives the bytes of the first of them, over and over. Of a model that has a twin
(``twins.py``) in the folder STANDIN_TWINS it gives what the stand-in boards give.
PULSAR2_STANDIN_FAIL=backend has the NPU see the first channel everywhere, and the host's operators still the strongest.
"""

from __future__ import annotations

import math
import os
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import onnx_wire

Tensors = dict[str, tuple[int, list[int]]]
"""Element type and shape by name."""


def run(arguments: list[str]) -> None:
    """Simulate a compiled model, on raw files named after its tensors."""
    known = ("--model", "--input_dir", "--output_dir", "--list", "--mode", "--target_hardware", "--group_index")
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if len(arguments) % 2 or set(options) - set(known) or len(options) * 2 != len(arguments):
        sys.exit("pulsar2: error: unrecognized arguments, or one that is there twice")
    if not {"--model", "--input_dir", "--output_dir"} <= set(options):
        sys.exit("pulsar2: error: the following arguments are required: --model, --input_dir, --output_dir")
    if options.get("--mode", "Reference") not in ("Reference", "NPUBackend"):
        sys.exit("pulsar2: error: argument --mode: invalid choice")
    if "--target_hardware" in options and options.get("--mode") != "NPUBackend":
        sys.exit("pulsar2: error: --target_hardware has effect with --mode NPUBackend only")
    if options.get("--group_index", "0") != "0":
        sys.exit(f"IndexError: the model has one group of shapes, not {options['--group_index']}")
    inputs, outputs = onnx_wire.tensors(Path(options["--model"]).read_bytes())
    twin = _twin(Path(options["--model"]))
    names = Path(options["--list"]).read_text().split("\n") if "--list" in options else [""]
    sys.stdout.write("Building native ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100% 0:00:00\n")
    for name in filter(None, names) if "--list" in options else names:
        sys.stdout.write(f">>> [{name}] start\n")
        source, target = Path(options["--input_dir"]) / name, Path(options["--output_dir"]) / name
        if twin:
            twin(source, target)
        else:
            backend = options.get("--mode", "NPUBackend") == "NPUBackend"
            broken = backend and os.environ.get("PULSAR2_STANDIN_FAIL") == "backend"
            _simulate(source, target, inputs, outputs, broken)
        sys.stdout.write(f">>> [{name}] finish\n")


def _twin(model: Path) -> Callable[[Path, Path], None] | None:
    """What runs the model's twin on a folder of files; ``None`` if it has none."""
    if "STANDIN_TWINS" not in os.environ:
        return None
    import numpy as np
    from twins import Twin

    try:
        twin = Twin(model)
    except KeyError:
        return None

    def run_twin(source: Path, target: Path) -> None:
        name, shape, dtype = twin.input
        pixels = np.fromfile(source / f"{_escaped(name)}.bin", dtype).reshape(shape)
        target.mkdir(parents=True, exist_ok=True)
        for (output, _, _), values in zip(twin.outputs, twin.run(pixels), strict=True):
            values.tofile(target / f"{_escaped(output)}.bin")

    return run_twin


def _simulate(source: Path, target: Path, inputs: Tensors, outputs: Tensors, broken: bool) -> None:
    if len(inputs) > 1 or any(len(dims) != 4 for _, dims in inputs.values()):
        _echo(source, target, inputs, outputs)
        return
    ((name, (kind, dims)),) = inputs.items()
    data = (source / f"{_escaped(name)}.bin").read_bytes()
    size = 1
    for dim in dims:
        size *= dim
    pixels: bytes | list[float] = data
    if kind == onnx_wire.FLOAT:  # a quantized model, without operators before the network
        pixels, dims = _channels_last(data, dims)
    elif kind != onnx_wire.UINT8 or len(data) != size:
        sys.exit(f"ValueError: cannot reshape array of size {len(data)} into shape {dims}")
    _, height, width, planes = dims
    height = height * 2 // 3 if planes == 1 else height
    for output, (out_kind, out_dims) in outputs.items():
        # Channels are last where only so the output has the image's proportions, as dst_perm asks for.
        last = len(out_dims) == 4 and out_dims[2] * width != out_dims[3] * height
        last = last and out_dims[1] * width == out_dims[2] * height
        rows, columns = out_dims[1:3] if last else out_dims[-2:]
        ids = []
        for y in range(rows):
            for x in range(columns):
                pixel = _pixel(pixels, y * height // rows, x * width // columns, height, width, planes)
                ids.append(0 if broken else pixel.index(max(pixel)))
        content = b"".join(class_id.to_bytes(8 if out_kind == onnx_wire.INT64 else 4, "little") for class_id in ids)
        if last and out_dims[3] > 1:
            content = b"".join(
                struct.pack("<f", class_id == channel) for class_id in ids for channel in range(out_dims[3])
            )
        elif len(out_dims) == 4 and out_dims[1] > 1 and not last:
            content = b"".join(
                struct.pack("<f", class_id == channel) for channel in range(out_dims[1]) for class_id in ids
            )
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{_escaped(output)}.bin").write_bytes(content)
        sys.stdout.write(f"write [{output}] to [{target}/{_escaped(output)}.bin] successfully\n")


def _echo(source: Path, target: Path, inputs: Tensors, outputs: Tensors) -> None:
    """Find that each input has 4 bytes for each element, as the chip has no integers of 64 bits."""
    target.mkdir(parents=True, exist_ok=True)
    taken = {name: (source / f"{_escaped(name)}.bin").read_bytes() for name in inputs}
    for name, (_, dims) in inputs.items():
        if len(taken[name]) != 4 * math.prod(dims):
            sys.exit(f"ValueError: cannot reshape array of size {len(taken[name])} into shape {dims}")
    first = next(iter(taken.values()))
    for output, (_, dims) in outputs.items():
        size = 4 * math.prod(dims)
        (target / f"{_escaped(output)}.bin").write_bytes((first * (size // len(first) + 1))[:size])


def _channels_last(data: bytes, dims: list[int]) -> tuple[list[float], list[int]]:
    batch, channels, height, width = dims
    if len(data) != 4 * batch * channels * height * width:
        sys.exit(f"ValueError: cannot reshape array of size {len(data) // 4} into shape {dims}")
    values, plane = struct.unpack(f"<{len(data) // 4}f", data), height * width
    return [values[c * plane + at] for at in range(plane) for c in range(channels)], [batch, height, width, channels]


def _pixel(data: bytes | list[float], y: int, x: int, height: int, width: int, planes: int) -> list[float]:
    """Three colours; of NV12, full range."""
    if planes == 3:
        return list(data[(y * width + x) * 3 :][:3])
    luma, at = data[y * width + x], (height + y // 2) * width + x // 2 * 2
    u, v = data[at] - 128, data[at + 1] - 128
    return [luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u]


def _escaped(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)
