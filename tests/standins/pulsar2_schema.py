"""What Pulsar2's documentation says about the configuration of ``pulsar2 build``: ``pulsar2.proto``, and the limits.

Part of the stand-in ``pulsar2``; written from the pages ``user_guides_config/config`` and
``user_guides_advanced/advanced_build_guides``, without a look at recipebuild's own model. The proto is compiled by
grpcio-tools and read by protobuf, as the tool reads its configurations: JSON mapping, unknown fields refused.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message, message_factory

PROTO = Path(__file__).resolve().with_name("pulsar2.proto")

CORES = {"AX650": "123", "M76H": "123", "AX620E": "12", "AX615": "12", "AX637": "1", "M57": "1", "AX8860": "124"}
YUV = ("YUYV422", "UYVY422", "YUV420SP", "YVU420SP")
_QUANT = "U8 S8 U16 S16 FP32"
_SRC = "U8 S8 U16 S16 U32 S32 U64 S64 FP16 BF16 FP32 NVFP4"


def _one_of(words: str) -> Callable[[Any], bool]:
    return lambda value: value in words.split()


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: low <= value <= high


_LIMITS: dict[str, Callable[[Any], bool]] = {
    "quant.input_configs.calibration_dataset": lambda value: value.endswith((".tar", ".tar.gz", ".zip")),
    "quant.input_configs.calibration_size": lambda value: value >= -1,
    "quant.layer_configs.data_type": _one_of(_QUANT),
    "quant.layer_configs.output_data_type": _one_of(_QUANT),
    "quant.layer_configs.weight_data_type": _one_of("S8 FP32"),
    "quant.conv_bias_data_type": _one_of("S32 FP32"),
    "quant.ln_scale_data_type": _one_of("FP32 S32 U32"),
    "quant.refine_weight_threshold": lambda value: value == -1 or 0 <= value <= 1.0001e-4,
    "quant.smooth_quant_threshold": _between(0, 1),
    "quant.smooth_quant_strength": _between(0, 1),
    "quant.transformer_opt_level": _between(0, 2),
    "quant.check": _between(0, 1),
    "quant.finetune_epochs": lambda value: value > 0,
    "quant.finetune_block_size": lambda value: value > 0,
    "quant.finetune_batch_size": lambda value: value > 0,
    "quant.finetune_lr": lambda value: value > 0,
    "quant.device": _one_of("cpu " + " ".join(f"cuda:{n}" for n in range(8))),
    "input_processors.tensor_format": _one_of("AutoColorSpace BGR RGB RGBA GRAY"),
    "input_processors.src_dtype": _one_of(_SRC),
    "input_processors.csc_mat": lambda value: len(value) in (0, 12),
    "input_processors.padding_mode": _one_of("constant"),
    "output_processors.output_dtype": _one_of("FP32 U8"),
    "compiler.check": _between(0, 3),
    "compiler.sub_configs.check": _between(0, 3),
}
"""By field, what its value must be beyond its type."""

_REQUIRED = {
    "": ("input", "output_dir"),
    "quant.input_configs": ("tensor_name", "calibration_dataset"),
    "input_processors": ("tensor_name",),
    "output_processors": ("tensor_name",),
    "const_processors": ("name",),
    "op_processors": ("op_name", "attrs"),
    "quant_op_processors": ("op_name", "attrs"),
    "compiler.sub_configs": ("start_tensor_names", "end_tensor_names"),
}
_SELECTORS = ("layer_name", "op_type", "layer_names", "op_types", "start_tensor_names")


@functools.cache
def build_config() -> type[message.Message]:
    """The class of the message ``BuildConfig``."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(_descriptors()).file:
        pool.Add(file)
    kind: type[message.Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("standin.BuildConfig"))
    return kind


def _descriptors() -> bytes:
    """The compiled proto; kept beside other temporary files, as the stand-in is a new process each time."""
    kept = Path(tempfile.gettempdir(), f"pulsar2-standin-{hashlib.sha256(PROTO.read_bytes()).hexdigest()[:16]}.pb")
    if not kept.exists():
        from grpc_tools import protoc

        made = kept.with_suffix(f".{os.getpid()}")
        include = Path(protoc.__file__).with_name("_proto")
        words = ["protoc", f"-I{PROTO.parent}", f"-I{include}", "--include_imports", f"--descriptor_set_out={made}"]
        if protoc.main([*words, PROTO.name]):
            raise RuntimeError("protoc cannot compile pulsar2.proto")
        made.replace(kept)
    return kept.read_bytes()


def parse(text: str) -> message.Message:
    """The message that JSON text holds.

    Raises:
        json_format.ParseError: If it does not fit the proto.
    """
    return json_format.Parse(text, build_config()())


def flags() -> dict[str, str]:
    """The flags of ``pulsar2 build`` with the kind of each: every field that is not inside a list."""
    kinds = {"--config": "string"}
    for field in build_config().DESCRIPTOR.fields:
        if field.message_type is None:
            kinds[f"--{field.name}"] = _kind(field)
        elif not field.is_repeated:
            inner = [f for f in field.message_type.fields if f.message_type is None]
            kinds |= {f"--{field.name}.{f.name}": _kind(f) for f in inner if f.name not in _SELECTORS[4:]}
    return kinds


def _kind(field: Any) -> str:
    kind = {field.TYPE_BOOL: "bool", field.TYPE_ENUM: "enum", field.TYPE_STRING: "string"}.get(field.type, "number")
    return f"{kind}s" if field.is_repeated else kind


def check(config: object) -> list[str]:
    """What is wrong with a configuration's JSON values, one line each."""
    if not isinstance(config, dict):
        return ["the configuration is not an object"]
    try:
        parse(json.dumps({**config, "debug": _documented_debug(config)}))
    except json_format.ParseError as error:
        return [str(error)]
    wrong = list(_beyond(config, ""))
    hardware, mode = config.get("target_hardware", "AX650"), config.get("npu_mode", "NPU1")
    if str(mode)[-1] not in CORES.get(hardware, "12345") or (str(mode).startswith("ISP") and hardware in CORES):
        wrong.append(f"npu_mode {mode} does not exist on {hardware}")
    if len({len(each.get("src_extra_shapes", [])) for each in config.get("input_processors", [])}) > 1:
        wrong.append("src_extra_shapes differ in length")
    compiler = config.get("compiler", {})
    if compiler.get("static_batch_sizes") and compiler.get("max_dynamic_batch_size"):
        wrong.append("static and dynamic batches exclude each other")
    return wrong


def _documented_debug(config: dict[str, Any]) -> Any:
    """Public configurations have more under ``debug`` than the documentation, and the tool takes it."""
    debug = config.get("debug", {})
    return {name: debug[name] for name in debug if name == "dump_frontend_graph"} if isinstance(debug, dict) else debug


def _within(path: str, value: Any) -> bool:
    try:
        return path not in _LIMITS or _LIMITS[path](value)
    except (AttributeError, TypeError):  # protobuf takes numbers in quotes
        return False


def _beyond(value: Any, path: str) -> list[str]:
    """What is against the documented limits, in ``value`` and all that is in it."""
    if isinstance(value, list) and path not in _LIMITS:
        return [wrong for each in value for wrong in _beyond(each, path)]
    if not isinstance(value, dict) or path.endswith((".attrs", ".properties")):
        return [] if _within(path, value) else [f"{path}: {value!r} is not documented"]
    wrong = [f"{path}.{name} is required" for name in _REQUIRED.get(path, ()) if value.get(name) in (None, "", [])]
    if path == "quant.layer_configs":
        chosen = [name for name in _SELECTORS if value.get(name)]
        if len(chosen) != 1 or bool(value.get("start_tensor_names")) != bool(value.get("end_tensor_names")):
            wrong.append(f"{path}: must choose between {' and '.join(_SELECTORS)}")
    if path == "input_processors" and value.get("csc_mode") == "Matrix":
        matrix = value.get("csc_mat", [])
        ranges = [(-9, 8) if at in (3, 7, 11) else (-524289, 524288) for at in range(12)]
        if len(matrix) != 12 or any(not low < each < high for each, (low, high) in zip(matrix, ranges, strict=True)):
            wrong.append(f"{path}.csc_mat is out of range")
    if path == "input_processors":
        if value.get("src_format") in YUV and value.get("csc_mode", "NoCSC") == "NoCSC":
            wrong.append(f"{path}.csc_mode cannot remain NoCSC")
        if value.get("zeropoint") and not value.get("scale"):
            wrong.append(f"{path}.zeropoint needs a scale")
    for name, inner in value.items():
        wrong += _beyond(inner, f"{path}.{name}".lstrip("."))
    return wrong
