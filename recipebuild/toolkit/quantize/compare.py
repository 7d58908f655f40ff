"""Two quantizations, tensor by tensor: ``quant.json`` of two builds, or ours and Pulsar2's ``quant_axmodel.json``.

    difference = compare(read(Path("a/quant.json")), read(Path("b/quant.json")))

Operators have other names in Pulsar2's graph, where some are fused; so tensors are compared by their own names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError

ULP = 2e-7
"""Scales that differ by less are equal: one unit in the last place of float32."""


@dataclass(frozen=True)
class TensorQuantization:
    """How a tensor is quantized in one of the types in which it occurs.

    Attributes:
        type: ``U8``, ``S16``, ``FP32``...
        scale: One number, or one per channel; empty for FP32, or where the file says none.
        zero_point: As many.
    """

    type: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]


@dataclass(frozen=True)
class TensorChange:
    """A tensor that is quantized otherwise in the second file.

    Attributes:
        tensor: Its name.
        before: Its types in the first file.
        after: Its types in the second.
        scale: The largest relative difference of scales in a type that both have; 1 if they have not as many.
        zero_point: The largest difference of zero points there.
    """

    tensor: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class QuantizationDifference:
    """Two quantizations side by side.

    Attributes:
        equal: How many tensors have the same types, scales and zero points.
        changed: Those that have not, other types first, then by the difference of scales.
        only_first: Tensors of the first file alone.
        only_second: Tensors of the second alone.
    """

    equal: int
    changed: tuple[TensorChange, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


Tensors = Mapping[str, Mapping[str, TensorQuantization]]
"""By tensor and type."""


def read(path: Path) -> Tensors:
    """What a file says of each tensor.

    Raises:
        StepError: If it cannot be read, or is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StepError(f"{path} cannot be read: {error.strerror}") from error
    try:
        value = json.loads(text)
        configs, values = value["tensor_configs"], value.get("values", {})
        by_tensor: dict[str, dict[str, TensorQuantization]] = {}
        for tensors in configs.values():
            for name, entry in tensors.items():
                quantization = _quantization(entry, values)
                known = by_tensor.setdefault(name, {})
                if quantization.scale or quantization.type not in known:
                    known[quantization.type] = quantization
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StepError(
            f"{path.name} is not a quantization as recipebuild or Pulsar2 writes it",
            remedy="give two quant.json, or the quant_axmodel.json of a Pulsar2 build",
        ) from error
    return by_tensor


def compare(first: Tensors, second: Tensors) -> QuantizationDifference:
    """What differs between two quantizations."""
    both = [name for name in first if name in second]
    changes = [_change(name, first[name], second[name]) for name in both]
    changed = [change for change in changes if change.before != change.after or change.scale > ULP or change.zero_point]
    return QuantizationDifference(
        equal=len(both) - len(changed),
        changed=tuple(
            sorted(
                changed,
                key=lambda change: (change.before == change.after, -change.scale, -change.zero_point, change.tensor),
            )
        ),
        only_first=tuple(sorted(set(first) - set(second))),
        only_second=tuple(sorted(set(second) - set(first))),
    )


def _quantization(entry: Mapping[str, Any], values: Mapping[str, Any]) -> TensorQuantization:
    if entry["state"] == "FP32":
        return TensorQuantization("FP32", (), ())
    kind = f"{'S' if entry['quant_min'] < 0 else 'U'}{entry['bit_width']}"
    keys = (str(entry.get("hash")), str(entry.get("dominator")))
    held: Mapping[str, Any] = next((values[key] for key in keys if values.get(key, {}).get("scale") is not None), {})
    scale, zero_point = (_listed(held.get(name, ())) for name in ("scale", "zero_point"))
    return TensorQuantization(kind, tuple(map(float, scale)), tuple(round(point) for point in zero_point))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _change(
    name: str, first: Mapping[str, TensorQuantization], second: Mapping[str, TensorQuantization]
) -> TensorChange:
    pairs = [(first[kind], second[kind]) for kind in first if kind in second]
    scales = [_relative(a.scale, b.scale) for a, b in pairs if a.scale and b.scale]
    points = [abs(x - y) for a, b in pairs for x, y in zip(a.zero_point, b.zero_point, strict=False)]
    return TensorChange(
        name, tuple(sorted(first)), tuple(sorted(second)), max(scales, default=0.0), max(points, default=0)
    )


def _relative(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    if len(first) != len(second):
        return 1.0
    return max(abs(a - b) / max(abs(a), abs(b), 1e-38) for a, b in zip(first, second, strict=True))
