"""Each field of recipes with the names that others have for it: steps in their keys, Pulsar2 in its configuration.

One table, read in four directions: explanations go from a step's ingredient to the field (``step_field``), reports from
a value of the configuration to the field (``config_field``), rendering from the recipe's ``quantization`` to
``QuantConfig`` (``to_quant``), and import back again (``from_quant``). Names of the configuration are those of the
documentation, user_guides_config/config.md; elements of lists have the name of their list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ALWAYS = object()
"""The default of a field that is written whatever its value is."""


@dataclass(frozen=True)
class Field:
    """One field of recipes, or a section.

    Attributes:
        recipe: Its dotted path.
        config: What decides nothing but this field in Pulsar2's configuration.
        ingredients: What steps call it: ``params.hub_id``; with a dot at the end, a section of theirs.
        steps: Of a section: the steps whose parameters and inputs bear the names of its fields.
        default: Of a field of ``quantization``: the value that both sides leave out.
        value: The configuration's field is a switch, on where the recipe's has this value.
    """

    recipe: str
    config: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    default: Any = ALWAYS
    value: str | None = None


def _quant(recipe: str, config: str, default: Any = ALWAYS, **more: Any) -> Field:
    return Field(f"quantization.{recipe}", (f"quant.{config}",), default=default, **more)


FIELDS = (
    Field("model", ingredients=("params.weights.",), steps=("answers-pytorch", "export", "fetch", "rungs", "verify")),
    Field("model.source", ingredients=("params.hub_id",)),
    Field("model.adapter", ingredients=("inputs.adapter",)),
    Field("export", steps=("export",)),
    Field("export.output", ingredients=("params.output_name",)),
    Field(
        "input", ingredients=("params.compiled.", "params.original."),
        steps=("layers", "preview", "sensitivity", "simplify"),
    ),
    Field(
        "input.name", ("quant.input_configs.tensor_name", "input_processors.tensor_name"), ("params.input_name",)
    ),
    Field("input.shape", ingredients=("params.shape",)),
    Field("input.resize", ingredients=("params.resize",)),
    Field("detector", ingredients=("params.detector.",)),
    Field("input.color", ("input_processors.tensor_format",)),
    Field("input.mean", ("quant.input_configs.calibration_mean", "input_processors.mean")),
    Field("input.std", ("quant.input_configs.calibration_std", "input_processors.std")),
    Field(
        "inputs", ingredients=("params.tensors.", "params.tokens.", "params.length", "params.states."),
        steps=("samples", "states", "states-dataset", "tokens"),
    ),
    Field("more_inputs", ingredients=("params.more.", "inputs.more_")),
    Field("rewrite", ingredients=("params.switches.",), steps=("rewrite",)),
    Field("equalize", ingredients=("params.techniques",), steps=("correct-bias", "equalize")),
    Field("equalize.bias_correction", ingredients=("params.model",)),
    Field("head", steps=("head",)),
    Field("head.axis", ingredients=("params.class_axis",)),
    Field("calibration", steps=("calibrate", "configure", "correct-bias", "equalize", "tensors")),
    Field("calibration.source", ("quant.input_configs.calibration_dataset",), ("params.pattern",)),
    Field("calibration.format", ("quant.input_configs.calibration_format",)),
    Field("calibration.count", ("quant.input_configs.calibration_size",)),
    Field(
        "evaluate", ingredients=("params.dataset.",),
        steps=(
            "answers-float", "answers-pytorch", "answers-quantized", "dataset", "evaluate", "join-float",
            "join-pytorch", "join-quantized", "judge", "ladder", "preview", "rungs", "simulate", "simulate-npu",
            "simulate-reference", "tokens-dataset",
        ),
    ),
    Field("evaluate.dataset", ingredients=("inputs.dataset",)),
    Field("evaluate.labels", ingredients=("params.labels",)),
    Field("evaluate.mode", ingredients=("params.few",)),
    Field("evaluate.shares", ingredients=("params.share",)),
    Field(
        "quantization", ingredients=("params.quant.",),
        steps=("compile", "configure", "correct-bias", "judge", "layers", "sensitivity"),
    ),
    _quant("layers", "layer_configs", ingredients=("params.sixteen_bits",)),
    _quant("method", "calibration_method", "MinMax"),
    _quant("precision_analysis", "precision_analysis"),
    _quant("precision_analysis.method", "precision_analysis_method"),
    _quant("precision_analysis.mode", "precision_analysis_mode"),
    _quant("smooth_quant", "enable_smooth_quant"),
    _quant("smooth_quant.threshold", "smooth_quant_threshold"),
    _quant("smooth_quant.strength", "smooth_quant_strength"),
    _quant("conv_bias", "conv_bias_data_type", "S32"),
    _quant("layer_norm_scale", "ln_scale_data_type", "FP32"),
    _quant("transformer_opt_level", "transformer_opt_level", 0),
    _quant("finetune.algorithm", "enable_adaround", value="adaround"),
    _quant("finetune.algorithm", "enable_brecq", value="brecq"),
    _quant("finetune.algorithm", "enable_lsq", value="lsq"),
    _quant("finetune.epochs", "finetune_epochs"),
    _quant("finetune.block_size", "finetune_block_size"),
    _quant("finetune.batch_size", "finetune_batch_size"),
    _quant("finetune.learning_rate", "finetune_lr"),
    _quant("device", "device", "cpu", ingredients=("params.gpus",)),
    Field("target", steps=("compile", "configure", "lint", "simulate", "simulate-npu", "simulate-reference")),
    Field("target.hardware", ("target_hardware",), ("params.target",)),
    Field("target.npu_mode", ("npu_mode",)),
    Field("target.toolchain", ingredients=("params.runner", "params.image", "facts.pulsar2", "facts.image")),
    Field("target.runtime_input", ingredients=("params.runtime.",)),
    Field("target.runtime_input.format", ("input_processors.src_format",)),
    Field("target.runtime_input.layout", ("input_processors.src_layout",)),
    Field("target.runtime_input.dtype", ("input_processors.src_dtype",)),
    Field("target.runtime_input.extra_shapes", ("input_processors.src_extra_shapes",)),
    Field("target.runtime_input.csc.mode", ("input_processors.csc_mode",)),
    Field("target.runtime_input.csc.matrix", ("input_processors.csc_mat",)),
    Field("target.runtime_outputs", ("output_processors",), ("params.outputs",)),
    Field("target.runtime_outputs.name", ("output_processors.tensor_name",)),
    Field("target.runtime_outputs.permute", ("output_processors.dst_perm",)),
    Field("target.runtime_outputs.dtype", ("output_processors.output_dtype",)),
    Field("compiler", ingredients=("params.compiler.",), steps=("configure",)),
    Field("pulsar2", steps=("configure",)),
    Field("pulsar2.model_type", ("model_type",)),
    Field("pulsar2.overrides", ingredients=("params.overrides.",)),
    Field("bundle", steps=("bundle",)),
    Field("board", steps=("bundle", "deploy", "judge-board")),
)  # fmt: skip
"""Fields that others know by another name, and sections with the steps that know their fields by the same name.

``compiler`` has the names of Pulsar2's ``CompilerConfig``.
"""

_OF_CONFIG = {config: row.recipe for row in FIELDS for config in row.config}
"""The recipe's field behind a field of the configuration."""

LAYER = {
    "name": ("layer_name", "layer_names"),
    "op": ("op_type", "op_types"),
    "dtype": ("data_type",),
    "output_dtype": ("output_data_type",),
    "weight_dtype": ("weight_data_type",),
}
"""Of ``quantization.layers``: the names in ``LayerConfig``; where there are two, for one value and for several."""


def step_field(step: str, ingredient: str, known: Mapping[str, Any]) -> str | None:
    """The field behind an ingredient of a step's key; ``None`` if no field decides it.

    Args:
        step: The step's plain name, such as ``calibrate``.
        ingredient: Which one: ``params.count``, ``inputs.source``, ``params.input.mean``.
        known: All fields that recipes may have, by dotted path.
    """
    for row in FIELDS:
        for name in row.ingredients:
            if name == ingredient:
                return row.recipe
            if name[-1] in "._" and ingredient.startswith(name):
                inside = f"{row.recipe}.{ingredient.removeprefix(name)}"
                return inside if inside in known else row.recipe
    kind, _, name = ingredient.partition(".")
    if kind not in ("params", "inputs"):
        return None
    sections = sorted(row.recipe for row in FIELDS if step in row.steps)
    candidates = [*([name] if kind == "params" else []), *(f"{section}.{name}" for section in sections)]
    return next((field for field in candidates if field in known), None)


def config_field(path: str, overrides: Mapping[str, Any]) -> str | None:
    """The field that decides a value of the configuration; ``None`` if none does: the build itself.

    Args:
        path: Where the value stands, as ``config_leaves`` writes it.
        overrides: The recipe's ``pulsar2.overrides``, which win.
    """
    if _overridden(path, overrides):
        return "pulsar2.overrides"
    name = re.sub(r"\[\d+\]", "", path)
    if name.startswith("compiler."):
        return name
    while name and name not in _OF_CONFIG:
        name = name.rpartition(".")[0]
    return _OF_CONFIG.get(name)


def config_leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a configuration with its place: ``quant.input_configs[0].calibration_mean``.

    Lists of plain values are one value.
    """
    if isinstance(value, dict):
        for name, below in value.items():
            yield from config_leaves(below, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for index, below in enumerate(value):
            yield from config_leaves(below, f"{path}[{index}]")
    else:
        yield path, value


def to_quant(quantization: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``QuantConfig`` that differ from its defaults; ``layers`` is not among them.

    Args:
        quantization: The recipe's section, as JSON values; a section that is left out is ``None``.
    """
    config: dict[str, Any] = {}
    for name, row in _quant_rows():
        value = _value(quantization, name)
        if value is None or value == row.default or (row.value is not None and value != row.value):
            continue
        config[_quant_name(row)] = True if row.value is not None or isinstance(value, Mapping) else value
    return config


def from_quant(config: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's ``quantization`` of a ``QuantConfig``, without ``layers``: ``to_quant`` read backwards.

    Args:
        config: All fields of the configuration's message, defaults filled in.
    """
    values: dict[str, Any] = {}
    switched = [row.value for _, row in _quant_rows() if row.value is not None and config[_quant_name(row)]]
    if len(switched) == 1:  # the recipe has one algorithm
        values["finetune"] = {"algorithm": switched[0]}
    for name, row in _quant_rows():
        value = config[_quant_name(row)]
        section, _, inner = name.rpartition(".")
        if row.value is not None or value == row.default:
            continue
        if section:
            if section in values:
                values[section][inner] = value
        elif not isinstance(value, bool):
            values[name] = value
        elif value:
            values[name] = {}
    return values


def _quant_rows() -> Iterator[tuple[str, Field]]:
    for row in FIELDS:
        section, _, name = row.recipe.partition(".")
        if section == "quantization" and row.config and name != "layers":
            yield name, row


def _quant_name(row: Field) -> str:
    return row.config[0].removeprefix("quant.")


def _value(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _overridden(path: str, overrides: Mapping[str, Any]) -> bool:
    below: Any = overrides
    for name in re.findall(r"[^.\[\]]+", path):
        if isinstance(below, Mapping) and name in below:
            below = below[name]
        elif isinstance(below, list) and name.isdigit() and int(name) < len(below):
            below = below[int(name)]
        else:
            return not isinstance(below, Mapping | list)
    return True
