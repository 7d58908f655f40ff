"""Mistakes that the tool accepts in silence: ``mistakes(config)``. What each says and advises: ``mistakes.yaml``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.toolkit.graph.layers import MOVES
from recipebuild.toolkit.pulsar2.config import BuildConfig, InputProcessor, InputQuantConfig, LayerConfig
from recipebuild.toolkit.pulsar2.config.message import DEFAULT
from recipebuild.toolkit.pulsar2.config.processors import YUV
from recipebuild.toolkit.pulsar2.config.quant import FP32_OPERATORS
from recipebuild.toolkit.pulsar2.config.write import plain
from recipebuild.toolkit.pulsar2.facts import Facts

_NO_FACTS = Facts()
_FP32_FAILS = ("Softmax", "LayerNormalization")
_WIDE = ("U16", "S16")
_TOLERANCE = 0.06
"""How far, in 0..255 units, two spellings of one mean or std are apart: 66.6 for 66.6322."""


@dataclass(frozen=True)
class Mistake:
    """Something that the tool would take, and that is most likely not meant.

    Attributes:
        code: That of its rule, such as ``RB101``.
        kind: Its name in ``mistakes.yaml``.
        field: Where it is.
        message: What is wrong, in one line.
        remedy: What to do about it.
    """

    code: str
    kind: str
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


def mistakes(config: BuildConfig, facts: Facts = _NO_FACTS) -> list[Mistake]:
    """The mistakes in a configuration, in the order of the file.

    Args:
        config: A valid configuration.
        facts: What is known of the model and the archives that it names.
    """
    rows = [*_calibration(config, facts), *_layers(config, facts), *_settings(config), *_inputs(config, facts)]
    return [_in_words(kind, field, values) for kind, field, values in rows]


Matches = Iterator[tuple[str, str, dict[str, Any]]]


def _calibration(config: BuildConfig, facts: Facts) -> Matches:
    for at, entry in enumerate(config.quant.input_configs):
        field = f"quant.input_configs[{at}]"
        mean, std = entry.calibration_mean, entry.calibration_std
        if entry.calibration_format == "Image":
            yield from _normalization(f"{field}.calibration_mean and calibration_std", mean, std)
        elif mean or std:
            yield "ignored-mean", f"{field}.calibration_mean", {"format": entry.calibration_format}
        path = entry.calibration_dataset
        if "://" in path or path.startswith(("/", "~")) or re.match(r"[A-Za-z]:\\", path):
            yield "elsewhere", f"{field}.calibration_dataset", {"path": path}
        yield from _archive(entry, field, facts)


def _archive(entry: InputQuantConfig, field: str, facts: Facts) -> Matches:
    counts = facts.archives.get(entry.calibration_dataset)
    if counts is None:
        return
    count = counts.get(entry.calibration_format, 0)
    if not count:
        values = {"path": entry.calibration_dataset, "format": entry.calibration_format}
        yield "no-files", f"{field}.calibration_dataset", values
    elif count < entry.calibration_size:
        yield "too-few", f"{field}.calibration_size", {"size": entry.calibration_size, "count": count}


def _normalization(field: str, mean: Sequence[float], std: Sequence[float]) -> Matches:
    if len(mean) != len(std):
        yield "lengths", field, {"mean": len(mean), "std": len(std)}
        return
    if 0 in std:
        yield "zero-std", field, {}
    if not mean or (not any(mean) and set(std) == {1.0}):
        return
    if all(abs(m) <= 1 for m in mean) and all(0 < s <= 1 for s in std):
        as_255 = {"mean": [round(m * 255, 3) for m in mean], "std": [round(s * 255, 3) for s in std]}
        yield "units", field, as_255
        return
    mean_of, std_of = _known("mean", mean), _known("std", std)
    if mean_of and std_of and not mean_of & std_of:
        of = {"mean_of": min(mean_of), "std_of": min(std_of)}
        sets = "; ".join(f"{name}: mean {_sets()[name]['mean']}, std {_sets()[name]['std']}" for name in of.values())
        yield "mixed-normalization", field, {**of, "sets": sets}
    for what, values, known in (("mean", mean, mean_of), ("std", std, std_of)):
        if not known and (name := _nearly(what, values)):
            yield "typing-error", field, {"given": list(values), "name": name[0], "usual": list(name[1])}


def _known(what: str, values: Sequence[float]) -> set[str]:
    """The sets whose mean or std this is, in either order of channels."""
    return {
        name for name, one in _sets().items() if any(_off(values, usual) == 0 for usual in (one[what], one[what][::-1]))
    }


def _nearly(what: str, values: Sequence[float]) -> tuple[str, Sequence[float]] | None:
    """The set that one value, and only one, keeps this from being, and by no more than a slip of the finger."""
    for name, one in _sets().items():
        for usual in (one[what], one[what][::-1]):
            if len(set(usual)) > 1 and _off(values, usual) == 1:
                return name, usual
    return None


def _off(values: Sequence[float], usual: Sequence[float]) -> int:
    """How many of the values are not the usual ones."""
    if len(values) != len(usual):
        return len(usual)
    return sum(abs(value - right) > _TOLERANCE for value, right in zip(values, usual, strict=True))


def _inputs(config: BuildConfig, facts: Facts) -> Matches:
    by_name = {entry.tensor_name: entry for entry in config.quant.input_configs}
    for at, processor in enumerate(config.input_processors):
        field = f"input_processors[{at}]"
        name = processor.tensor_name
        calibrated = by_name.get(name) or by_name.get(DEFAULT) or (_only(config) if name == DEFAULT else None)
        yield from _colours(processor, field)
        if processor.src_dtype == "FP16":
            yield "half-input", f"{field}.src_dtype", {}
        if calibrated and calibrated.calibration_format == "Image":
            yield from _runtime(processor, calibrated, field)
    named = [
        (f"quant.input_configs[{at}].tensor_name", g.tensor_name) for at, g in enumerate(config.quant.input_configs)
    ]
    named += [(f"input_processors[{at}].tensor_name", p.tensor_name) for at, p in enumerate(config.input_processors)]
    for field, name in named:
        if "/" in name:
            yield "slash", field, {"name": name}
        if facts.inputs and name not in (DEFAULT, *facts.inputs):
            yield "no-such-tensor", field, {"kind": "input", "name": name, "has": ", ".join(facts.inputs)}
    for at, output in enumerate(config.output_processors):
        if facts.outputs and output.tensor_name not in (DEFAULT, *facts.outputs):
            values = {"kind": "output", "name": output.tensor_name, "has": ", ".join(facts.outputs)}
            yield "no-such-tensor", f"output_processors[{at}].tensor_name", values


def _only(config: BuildConfig) -> InputQuantConfig | None:
    return config.quant.input_configs[0] if len(config.quant.input_configs) == 1 else None


def _colours(processor: InputProcessor, field: str) -> Matches:
    src, tensor = processor.src_format, processor.tensor_format
    if {src, tensor} == {"RGB", "BGR"}:
        yield "no-conversion", f"{field}.src_format", {"src": src, "tensor": tensor}
    if processor.csc_mode != "NoCSC" and src not in YUV:
        yield "ignored-csc", f"{field}.csc_mode", {}
    elif processor.csc_mat and processor.csc_mode != "Matrix":
        yield "ignored-csc", f"{field}.csc_mat", {}


def _runtime(processor: InputProcessor, calibrated: InputQuantConfig, field: str) -> Matches:
    mean, std = processor.mean, processor.std
    at_run_time, before = (mean, std), (calibrated.calibration_mean, calibrated.calibration_std)
    is_float = processor.src_dtype in ("FP32", "FP16")
    none = not any(mean) and set(std) == {1.0}
    if (mean or std) and at_run_time != before and not (is_float and none):
        yield "runtime-normalization", f"{field}.mean and std", {"calibration": f"{list(before[0])}, {list(before[1])}"}
    elif is_float and not mean and not std and before[0] and (any(before[0]) or set(before[1]) != {1.0}):
        yield "normalizes-floats", field, {}


def _layers(config: BuildConfig, facts: Facts) -> Matches:
    if config.quant.highest_mix_precision:
        yield "all-float", "quant.highest_mix_precision", {}
    seen: dict[str, str] = {}
    for at, layer in enumerate(config.quant.layer_configs):
        field = f"quant.layer_configs[{at}]"
        for name in filter(None, (layer.layer_name, *layer.layer_names)):
            if name in seen:
                yield "twice", field, {"name": name, "first": seen[name]}
            seen.setdefault(name, field)
            if facts.layers and name not in facts.layers and not re.match(r"op_\d+:", name):
                yield "no-such-layer", field, {"name": name, "near": _near(name, facts)}
        yield from _precision(layer, field, facts)
    yield from _undone(config, facts)


def _precision(layer: LayerConfig, field: str, facts: Facts) -> Matches:
    operators = {op: op for op in (layer.op_type, *layer.op_types) if op}
    for name in filter(None, (layer.layer_name, *layer.layer_names)):
        if operator := facts.layers.get(name) or _operator(name):
            operators.setdefault(operator, f"{operator} ({name})")
    for operator, named in operators.items():
        if operator in MOVES and layer.data_type:
            yield "moves-data", field, {"operator": named}
        elif layer.data_type == "FP32" and operator in _FP32_FAILS:
            yield "fp32-fails", field, {"operator": named}
        elif layer.data_type == "FP32" and operator not in FP32_OPERATORS:
            conv = ", or for its output alone output_data_type: FP32" if operator == "Conv" else ""
            yield "fp32-ignored", field, {"operator": named, "documented": ", ".join(FP32_OPERATORS), "conv": conv}
        for name in ("output_data_type", "weight_data_type"):
            if getattr(layer, name) and operator != "Conv":
                yield "conv-only", f"{field}.{name}", {"operator": named}


def _undone(config: BuildConfig, facts: Facts) -> Matches:
    """Operators with 16 bits whose results a Concat of 8 bits joins; of entries that select operators by type."""
    wide = [(at, layer) for at, layer in enumerate(config.quant.layer_configs) if layer.data_type in _WIDE]
    if any(layer.start_tensor_names for _, layer in wide):
        return  # which nodes lie between two tensors, the optimized graph decides
    selected = {
        name for _, layer in wide for name in (layer.layer_name, *layer.layer_names, layer.op_type, *layer.op_types)
    }
    for at, layer in wide:
        operators = {op for op in (layer.op_type, *layer.op_types) if op}
        undone = [
            name for name, joined in facts.joins.items() if operators & set(joined) and not {"Concat", name} & selected
        ]
        if undone:
            joined = operators & {operator for name in undone for operator in facts.joins[name]}
            more = f" and {len(undone) - 1} more" if len(undone) > 1 else ""
            yield "undone-by-concat", f"quant.layer_configs[{at}]", {
                "type": layer.data_type, "operators": ", ".join(sorted(joined)), "concats": f"{undone[0]}{more}",
            }  # fmt: skip


def _operator(name: str) -> str | None:
    """The operator that a layer's name tells: ``Pad`` of ``/decoder/Pad_1``, ``Add`` of ``op_173:onnx.Add_0``."""
    last = re.split(r"[/.:]", name)[-1]
    word = re.match(r"[A-Za-z]+", last)
    return word[0] if word and word[0] in _data()["operators_of_names"] else None


def _near(name: str, facts: Facts) -> str:
    import difflib

    close = difflib.get_close_matches(name, facts.layers, 1)
    return f"; did you mean {close[0]}?" if close else ""


def _settings(config: BuildConfig) -> Matches:
    quant = config.quant
    for name in ("enable_adaround", "enable_lsq", "enable_brecq"):
        if getattr(quant, name) and quant.device == "cpu":
            yield "needs-cuda", f"quant.{name}", {}
    values = plain(config)
    for effect in _data()["effects"]:
        section, name = effect["field"].split(".")
        if getattr(getattr(config, section), name) != effect["value"]:
            for field in effect["of"]:
                if field.split(".")[1] in values.get(section, {}):
                    yield "without-effect", field, {"needs": effect["needs"]}


def _in_words(kind: str, field: str, values: dict[str, Any]) -> Mistake:
    words = _data()["mistakes"][kind]
    filled = {name: words[name].format(field=field, **values) for name in ("says", "remedy")}
    return Mistake(words["code"], kind, field, filled["says"], filled["remedy"])


def _sets() -> dict[str, dict[str, list[float]]]:
    sets: dict[str, dict[str, list[float]]] = _data()["normalizations"]
    return sets


@functools.cache
def _data() -> dict[str, Any]:
    import yaml

    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text("utf-8"))
    return data
