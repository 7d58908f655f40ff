"""Asked against got: the precisions that a configuration asks for, looked up in what the tool did.

``quant_axmodel.json`` has, for each operator and tensor, how it was quantized (page advanced_build_guides, "mixed
precision"): ``{"Add_26": {"507": {"bit_width": 16, "state": "ACTIVATED", "quant_min": 0, ...}}}``, in newer versions
under ``tensor_configs``. The tool drops in silence what it cannot do, and names that it does not know.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recipebuild.toolkit.graph.layers import MOVES
from recipebuild.toolkit.pulsar2.config import BuildConfig, LayerConfig

Quantized = Mapping[str, Mapping[str, Mapping[str, Any]]]
_CONSTANT = ("BAKED", "PASSIVE_BAKED")


def read_quantized(path: Path) -> Quantized:
    """The quantization of each operator's tensors; empty if the file is not there or says nothing of them."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    configs = value.get("tensor_configs", value) if isinstance(value, dict) else {}
    return {name: tensors for name, tensors in configs.items() if _is_quantization(tensors)}


def _is_quantization(tensors: Any) -> bool:
    return isinstance(tensors, dict) and all(isinstance(t, dict) and "bit_width" in t for t in tensors.values())


def dropped(config: BuildConfig, quantized: Quantized, operators: Mapping[str, str]) -> list[str]:
    """What was asked for and not got, one line each.

    Args:
        config: What was asked.
        quantized: What was got.
        operators: The operator of each layer of the optimized graph, by name.
    """
    if not quantized:
        return []
    by_name = set[str]()
    differences: list[str] = []
    for layer in config.quant.layer_configs:
        for name in filter(None, (layer.layer_name, *layer.layer_names)):
            by_name.add(name)
            if name not in quantized and name not in operators:
                near = _near(name, quantized)
                differences.append(
                    f"{name}: asked for {layer.data_type}, but the optimized graph has no such layer{near}"
                )
            elif name in quantized:
                differences += _compared(name, operators.get(name, ""), layer, quantized)
    for layer in config.quant.layer_configs:
        wanted = {op for op in (layer.op_type, *layer.op_types) if op}
        names = [name for name, operator in operators.items() if operator in wanted]
        if wanted and operators and not names:
            differences.append(
                f"{', '.join(sorted(wanted))}: asked for {layer.data_type}, but the optimized graph has none"
            )
        for name in names:
            if name in quantized and name not in by_name:
                differences += _compared(name, operators[name], layer, quantized)
    return differences


def precisions(quantized: Quantized) -> dict[str, int]:
    """How many operators were quantized to each type, by the widest of their tensors that are no constants."""
    kinds = (_widest(tensors) for tensors in quantized.values())
    return dict(sorted(Counter(kind for kind in kinds if kind).items()))


def _compared(name: str, operator: str, layer: LayerConfig, quantized: Quantized) -> Iterator[str]:
    if operator in MOVES or layer.data_type is None:
        return
    # A tensor that goes to another operator takes that one's type, so one of them is enough.
    got = {_kind(tensor) for tensor in quantized[name].values() if tensor.get("state") not in _CONSTANT}
    if got and layer.data_type not in got:
        what = f"{operator} {name}".strip()
        yield f"{what}: asked for {layer.data_type}, got {', '.join(sorted(got))}"


def _kind(tensor: Mapping[str, Any]) -> str:
    if tensor.get("state") == "FP32":
        return "FP32"
    return f"{'S' if tensor.get('quant_min', 0) < 0 else 'U'}{tensor['bit_width']}"


def _widest(tensors: Mapping[str, Mapping[str, Any]]) -> str:
    kinds = {_kind(tensor) for tensor in tensors.values() if tensor.get("state") not in _CONSTANT}
    return max(kinds, key=lambda kind: (kind == "FP32", int(kind[1:]) if kind != "FP32" else 32), default="")


def _near(name: str, quantized: Quantized) -> str:
    close = difflib.get_close_matches(name, quantized, 1)
    return f" (did you mean {close[0]}?)" if close else ""
