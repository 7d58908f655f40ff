"""What a compiled model must look like from outside, by its configuration: ``surprises(config, model, compiled)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recipebuild.toolkit.calibration.spec import YUV_ROWS
from recipebuild.toolkit.graph.statistics import Tensor
from recipebuild.toolkit.pulsar2.axmodel import AxModel
from recipebuild.toolkit.pulsar2.config import BuildConfig, InputProcessor
from recipebuild.toolkit.pulsar2.config.message import DEFAULT

_DTYPES = {
    "U8": "uint8", "S8": "int8", "U16": "uint16", "S16": "int16", "U32": "uint32", "S32": "int32", "FP16": "float16",
    "FP32": "float32",
}  # fmt: skip


def surprises(config: BuildConfig, inputs: Sequence[Tensor], outputs: Sequence[Tensor], compiled: AxModel) -> list[str]:
    """In what the compiled model differs from what the configuration promises, one line each.

    Args:
        config: The configuration.
        inputs: Of the model that was compiled.
        outputs: Likewise.
        compiled: What came out.
    """
    differences = list(_names("inputs", inputs, compiled.inputs)) + list(_names("outputs", outputs, compiled.outputs))
    got = {tensor.name: tensor for tensor in compiled.inputs}
    for tensor in inputs:
        processor = _processor(config, tensor.name)
        if tensor.name not in got or processor is None:
            continue
        dtype, shape = _DTYPES[processor.src_dtype], _shape(config, processor, tensor)
        there = got[tensor.name]
        if there.dtype != dtype:
            differences.append(f"input {tensor.name} is {there.dtype}, not {dtype}")
        if shape and there.shape != shape:
            differences.append(f"input {tensor.name} has the shape {there.shape}, not {shape}")
    return differences


def _names(kind: str, promised: Sequence[Tensor], got: Sequence[Tensor]) -> Iterator[str]:
    wanted, there = [tensor.name for tensor in promised], [tensor.name for tensor in got]
    if sorted(wanted) != sorted(there):
        yield f"its {kind} are {', '.join(there)}, not {', '.join(wanted)}"


def _processor(config: BuildConfig, name: str) -> InputProcessor | None:
    named = {each.tensor_name: each for each in config.input_processors}
    return named.get(name) or named.get(DEFAULT)


def _shape(config: BuildConfig, processor: InputProcessor, tensor: Tensor) -> tuple[int, ...] | None:
    """The shape of what is fed; ``None`` where the documentation does not say enough."""
    sizes = tensor.sizes
    if sizes is None or len(sizes) != 4 or config.input_shapes or processor.padding or processor.slicing:
        return None
    channels_first = processor.tensor_layout == "NCHW"
    batch, height, width = sizes[0], sizes[2 if channels_first else 1], sizes[3 if channels_first else 2]
    channels = sizes[1 if channels_first else 3]
    compiler = config.compiler
    batch = max((*compiler.static_batch_sizes, compiler.max_dynamic_batch_size), default=0) or batch
    if processor.src_format in YUV_ROWS:
        times, over, planes = YUV_ROWS[processor.src_format]
        return batch, height * times // over, width, planes
    if processor.src_layout == "NHWC":
        return batch, height, width, channels
    return batch, channels, height, width
