"""Operators by their names: what an entry for ``Sofmax`` most likely means, which Pulsar2 would take in silence."""

from __future__ import annotations

import functools
from pathlib import Path

_TABLES = Path(__file__).parent / "operators"
_OPTIMIZER = ("Gelu", "LayerNormalization", "RMSNormalization", "Silu", "Swish", "FullyConnected")
"""Which Pulsar2's optimizer makes, whatever the opset has."""


def meant(operator: str) -> str:
    """The operator that a name which is none is a typing error of; empty if it is one, or like none."""
    import difflib

    if operator in _tabulated() or operator in _onnx():
        return ""
    known = sorted({*_tabulated(), *_onnx()})
    by_letters = {name.lower(): name for name in known}
    close = difflib.get_close_matches(operator.lower(), by_letters, 1, cutoff=0.8)
    return by_letters[close[0]] if close else ""


@functools.cache
def _tabulated() -> frozenset[str]:
    """Those of the chips' tables."""
    import yaml

    names = set(_OPTIMIZER)
    for file in _TABLES.glob("[AM]*.yaml"):  # of chips; the others are limits, and what people found
        names |= set(yaml.safe_load(file.read_text(encoding="utf-8"))["operators"])
    return frozenset(names)


@functools.cache
def _onnx() -> frozenset[str]:
    """Those of ONNX and of ONNX Runtime that are known here; asked only for a name that is in no table."""
    import onnx

    return frozenset(schema.name for schema in onnx.defs.get_all_schemas())
