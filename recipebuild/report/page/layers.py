"""The section on layers: how far each tensor of the quantized model is from the float model's.

Reads ``layers.json`` of the step layers; its docstring says what is in there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import points
from recipebuild.report.page.parts import Cell, Column, Section, Table, number

_SENSES = (("alone", "by itself"), ("end_to_end", "end to end"))
_MOST = 400
"""Tensors that are shown, the worst; a page with thousands of rows is slow."""


def layers(built: Built) -> Section | None:
    """The errors of all tensors; ``None`` if the build did not look at them."""
    found = built.json("layers", "layers.json")
    tensors = found.get("tensors") if isinstance(found, Mapping) else None
    if not tensors:
        return None
    shown = tensors[:_MOST]
    chart = points(
        [
            {
                "index": index,
                "value": it[sense]["snr_db"],
                "kind": title,
                "said": f"{index + 1}. {_name(it)}, {title}: {it[sense]['snr_db']:.1f} dB",
            }
            for index, it in enumerate(shown)
            for sense, title in _SENSES
            if it[sense]["snr_db"] is not None
        ],
        "Signal-to-noise ratio of each tensor: the lower, the more is lost there. The chart follows the table below",
        y="SNR, dB", kinds=[title for _, title in _SENSES],
    )  # fmt: skip
    note = (
        f"Measured on {found.get('images', '?')} images. By itself: what the layer loses on the float model's tensors. "
        "End to end: with all that was lost before it."
    )
    if len(tensors) > _MOST:
        note += f" Shown are the worst {_MOST} of {len(tensors)} tensors; layers.json has all."
    return Section("layers", "Layer by layer", note, charts=[chart], tables=[_table(shown)])


def _table(tensors: list[Mapping[str, Any]]) -> Table:
    columns = [
        Column("tensor"), Column("operator"), Column("module"), Column("SNR by itself, dB", True),
        Column("SNR end to end, dB", True), Column("cosine", True), Column("MSE", True), Column("range"),
        Column("outlier bits", True),
    ]  # fmt: skip
    rows = []
    for it in tensors:
        alone = it["alone"]
        rows.append([
            Cell(_name(it), tone="code", title=it["tensor"]),
            Cell(it.get("operator") or "input"),
            Cell(it.get("module") or "", tone="code"),
            _figure(alone["snr_db"], ".1f"),
            _figure(it["end_to_end"]["snr_db"], ".1f"),
            _figure(alone["cosine"], ".5f"),
            _figure(alone["mse"], ".2e"),
            Cell(f"{it['low']:.3g} … {it['high']:.3g}", it["high"] - it["low"]),
            _figure(it.get("outlier"), ".1f"),
        ])  # fmt: skip
    return Table("Tensors, the noisiest first", columns, rows, filtered=True, chart=True)


def _name(tensor: Mapping[str, Any]) -> str:
    return str(tensor.get("layer") or tensor["tensor"])


def _figure(value: float | None, form: str) -> Cell:
    return number(value, None if value is None else format(value, form))
