"""An existing configuration -> the recipe that renders to the same: ``imported(read(path), model)``.

What a recipe can say goes into its sections. The result is rendered and compared with the original, field by field, and
whatever differs goes into ``pulsar2.overrides``, so that nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recipebuild.facts.fields import LAYER, from_quant
from recipebuild.toolkit.pulsar2.config import BuildConfig, InputProcessor, InputQuantConfig, QuantConfig
from recipebuild.toolkit.pulsar2.config.message import DEFAULT
from recipebuild.toolkit.pulsar2.config.processors import YUV
from recipebuild.toolkit.pulsar2.config.read import Read
from recipebuild.toolkit.pulsar2.config.write import merged, plain
from recipebuild.toolkit.pulsar2.facts import Facts
from recipebuild.toolkit.pulsar2.same import filled_in

_NAME = r"(?!logits$)[A-Za-z0-9_-][A-Za-z0-9_.-]*"
"""An input that a recipe can name, and that is not called as its output is."""

SHAPE = [1, 3, 224, 224]
"""Stands for the input's shape, which is not in a configuration."""

Values = dict[str, Any]
Render = Callable[[Values], BuildConfig]
"""Renders a recipe's values.

Raises:
    ValueError: With the path of a section or field, dots between, that is not valid.
"""


@dataclass(frozen=True)
class Imported:
    """A recipe made of a configuration.

    Attributes:
        values: The recipe.
        missing: What the configuration does not say and the recipe needs: by field, why.
    """

    values: Values
    missing: Mapping[str, str]


def imported(read: Read, facts: Facts, source: str | None, render: Render) -> Imported:
    """The recipe of a configuration.

    Args:
        read: The configuration.
        facts: Of the model, if it is given.
        source: The model's path, as the recipe is to say it; ``None`` for the configuration's own.
        render: Renders the recipe.
    """
    config = read.config
    values, missing = _recipe(config, facts, source, read.dataset)
    while True:
        try:
            ours = render(values)
            break
        except ValueError as error:  # something that a recipe cannot say: it goes into the overrides
            _drop(values, str(error).split("."))
    overrides = _difference(filled_in(config), filled_in(ours), plain(config))
    overrides = merged(overrides, _in_lists(read.unknown, plain(config)))
    if overrides:
        values["pulsar2"] = {**values.get("pulsar2", {}), "overrides": overrides}
    return Imported(values, missing)


def _recipe(config: BuildConfig, facts: Facts, source: str | None, dataset: str) -> tuple[Values, dict[str, str]]:
    quant = config.quant
    calibrated = quant.input_configs[0] if quant.input_configs else None
    is_quantized = config.model_type in ("QuantAxModel", "QuantONNX")
    processor = _processor(config, calibrated)
    name, shape, missing = _input(processor, calibrated, facts, _shapes(config.input_shapes))
    if calibrated and calibrated.calibration_format != "Image":
        missing["input.color"] = (
            f"calibration_format is {calibrated.calibration_format}: what is fed is no image, and color, mean and std "
            "stand only in their place"
        )
    if source is None:
        missing["model.source"] = "a configuration names the model as it was when it was built"
    model = source or (config.input if config.input.startswith(("/", "./")) else f"./{config.input}")
    tensors = _tensors(calibrated, facts, dataset) if model.endswith(".onnx") else []
    if tensors:
        missing.pop("input.color", None)
        missing["inputs"] = (
            "a source is an archive or folder of .npy or .npz files: samples of your own, or what the archive of the "
            "configuration holds"
        )
    values: Values = {
        "model": {"source": model},
        "inputs": tensors,
        "input": {} if tensors else {"name": name, "shape": shape, **_normalization(processor, calibrated)},
        "head": {"kind": "none"},
        "calibration": _calibration(calibrated, missing, dataset) if calibrated or not is_quantized else {},
        "quantization": _quantization(quant),
        "target": {
            "hardware": config.target_hardware,
            "npu_mode": config.npu_mode,
            **({} if tensors else _runtime(processor, calibrated)),
            **_outputs(config),
        },
        "compiler": _compiler(config),
        "pulsar2": {} if config.model_type == "ONNX" else {"model_type": config.model_type},
    }
    if tensors:
        del missing["calibration.source"]
        drawn = values["calibration"]
        values["calibration"] = {"count": drawn.get("count", 32), "format": drawn["format"]}
    return {section: content for section, content in values.items() if content}, missing


def _tensors(calibrated: InputQuantConfig | None, facts: Facts, dataset: str) -> list[Values]:
    """The inputs of a model that is calibrated with tensors, where their names and shapes are known.

    All together they are ``NumpyObject``; one input may be ``Numpy`` or ``Binary``, and be an image all the same.
    """
    if calibrated is None or calibrated.calibration_format == "Image":
        return []
    known = {name: list(sizes) for name, sizes in facts.inputs.items() if sizes and re.fullmatch(_NAME, name)}
    if len(known) != len(facts.inputs):
        return []
    if calibrated.calibration_format != "NumpyObject" and (len(known) > 1 or any(map(_is_image, known.values()))):
        return []
    source = dataset or calibrated.calibration_dataset
    return [{"kind": "tensor", "name": name, "shape": shape, "source": source} for name, shape in known.items()]


def _is_image(sizes: list[int]) -> bool:
    """Whether it may be one: N, C, H, W or N, H, W, C."""
    return len(sizes) == 4 and bool({1, 3, 4} & {sizes[1], sizes[3]})


def _processor(config: BuildConfig, calibrated: InputQuantConfig | None) -> InputProcessor | None:
    named = {each.tensor_name: each for each in config.input_processors}
    wanted = calibrated.tensor_name if calibrated else DEFAULT
    return named.get(wanted) or named.get(DEFAULT) or next(iter(config.input_processors), None)


def _input(
    processor: InputProcessor | None,
    calibrated: InputQuantConfig | None,
    facts: Facts,
    shapes: Mapping[str, list[int]],
) -> tuple[str, list[int], dict[str, str]]:
    """The input's name and shape, and which of them stand only in its place."""
    missing = {}
    names = [each.tensor_name for each in (calibrated, processor) if each and each.tensor_name != DEFAULT]
    name = names[0] if names else next(iter(facts.inputs), DEFAULT)
    if name == DEFAULT:
        missing["input.name"] = "the configuration speaks of DEFAULT, all inputs; --onnx reads the name from the model"
    sizes = facts.inputs.get(name) or shapes.get(name) or (next(iter(shapes.values())) if len(shapes) == 1 else None)
    if sizes is None:
        missing["input.shape"] = "it is not in a configuration; --onnx reads it from the model"
    return name, list(sizes or SHAPE), missing


def _shapes(text: str) -> dict[str, list[int]]:
    """``input_shapes``, such as ``x:1x3x256x512;y:1x10``, by the inputs' names."""
    pairs = (entry.rpartition(":") for entry in text.split(";") if entry)
    return {name: [int(size) for size in sizes.split("x")] for name, _, sizes in pairs}


def _normalization(processor: InputProcessor | None, calibrated: InputQuantConfig | None) -> Values:
    mean, std = (calibrated.calibration_mean, calibrated.calibration_std) if calibrated else ((), ())
    if not mean and processor:
        mean, std = processor.mean, processor.std
    fits = len(mean) == len(std) == 3 and all(value > 0 for value in std)
    color = processor.tensor_format if processor and processor.tensor_format in ("RGB", "BGR") else "RGB"
    return {"color": color, "mean": list(mean) if fits else [0.0] * 3, "std": list(std) if fits else [1.0] * 3}


def _calibration(calibrated: InputQuantConfig | None, missing: dict[str, str], dataset: str) -> Values:
    missing["calibration.source"] = "images of your own, or the archive of the configuration if it is at hand"
    if calibrated is None:
        return {"source": "calibration.tar"}
    values: Values = {"source": dataset or calibrated.calibration_dataset}
    if calibrated.calibration_size >= 1:
        values["count"] = calibrated.calibration_size
    if calibrated.calibration_format != "Image":
        values["format"] = calibrated.calibration_format
    return values


def _quantization(quant: QuantConfig) -> Values:
    values = from_quant(quant.model_dump(mode="json"))
    return values | ({"layers": [_layer(plain(layer)) for layer in quant.layer_configs]} if quant.layer_configs else {})


def _layer(config: Values) -> Values:
    layer = {field: config[name] for field, names in LAYER.items() for name in names if name in config}
    if "start_tensor_names" in config:
        layer["between"] = [config["start_tensor_names"], config["end_tensor_names"]]
    return {**layer, "dtype": config.get("data_type", "U8")}


def _runtime(processor: InputProcessor | None, calibrated: InputQuantConfig | None) -> Values:
    if processor is None:
        return {}
    runtime: Values = {}
    if processor.src_format in YUV:
        runtime["format"] = processor.src_format
        if processor.csc_mode != "NoCSC":
            matrix = {"matrix": list(processor.csc_mat)} if processor.csc_mode == "Matrix" else {}
            runtime["csc"] = {"mode": processor.csc_mode, **matrix}
    if processor.src_dtype == "FP32":
        runtime["dtype"] = "FP32"
        none = processor.mean and not any(processor.mean) and set(processor.std) == {1.0}
        if none and calibrated and any(calibrated.calibration_mean):
            runtime["normalized"] = True
    if processor.src_layout != "NHWC":
        runtime["layout"] = processor.src_layout
    if processor.src_extra_shapes:
        runtime["extra_shapes"] = [list(each.shape) for each in processor.src_extra_shapes]
    return {"runtime_input": runtime} if runtime else {}


def _outputs(config: BuildConfig) -> Values:
    outputs = []
    for each in config.output_processors:
        permute = {"permute": list(each.dst_perm)} if each.dst_perm else {}
        dtype = {} if each.output_dtype == "FP32" else {"dtype": each.output_dtype}
        outputs.append({"name": each.tensor_name, **permute, **dtype})
    return {"runtime_outputs": outputs} if outputs else {}


def _compiler(config: BuildConfig) -> Values:
    names = (
        "check", "npu_perf", "static_batch_sizes", "max_dynamic_batch_size", "ddr_bw_limit", "disable_ir_fix",
        "enable_slice_mode", "enable_tile_mode", "enable_data_soft_compression",
    )  # fmt: skip
    return {name: value for name, value in plain(config.compiler).items() if name in names}


def _difference(wanted: Values, got: Values, original: Values) -> Values:
    """What has to be merged over ``got`` for it to mean ``wanted``: as it is in ``original``, or else in ``wanted``."""
    overrides: Values = {}
    for name, value in wanted.items():
        if value == got[name]:
            continue
        if isinstance(value, dict) and isinstance(got[name], dict) and name not in ("attrs", "properties"):
            overrides[name] = _difference(value, got[name], original.get(name, {}))
        else:
            overrides[name] = original.get(name, value)
    return overrides


def _in_lists(unknown: Values, original: Values) -> Values:
    """``unknown`` with whole lists, elements and all, in place of mappings of indices: overrides replace lists."""
    whole: Values = {}
    for name, value in unknown.items():
        below = original.get(name)
        if isinstance(below, list) and isinstance(value, dict):
            whole[name] = merged({name: below}, {name: value})[name]
        elif isinstance(below, dict) and isinstance(value, dict):
            whole[name] = _in_lists(value, below)
        else:
            whole[name] = value
    return whole


def _drop(values: Values, path: list[str]) -> None:
    """Take a field that a recipe cannot have out of it; one that it must have gets a value that stands in its place."""
    *outer, last = path
    place = values
    for part in outer:
        place = place[part]
    if path == ["input", "shape"] and place[last] != SHAPE:
        place[last] = SHAPE
    else:
        del place[last]
