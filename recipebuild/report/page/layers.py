"""The section on layers: how far each tensor of the quantized model is from the float model's.

Reads ``layers.json`` of the step layers, and ``sensitivity.json`` of the step sensitivity where there is one; the
steps' docstrings say what is in there.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from recipebuild.figures.sensitivity import Sensitivity
from recipebuild.figures.values import read_figures
from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import points
from recipebuild.report.page.parts import Cell, Column, PageSection, PageTable, number

_SENSES = (("alone", "alone"), ("end_to_end", "end to end"))
_TOP = 80.0
"""Signal-to-noise ratios above this, in dB, are drawn there: one that is exact would press all others down."""
_MOST = 400
"""Tensors that are shown, the worst; a page with thousands of rows is slow."""


def layers(built: Built, budget: int) -> PageSection | None:
    """The errors of all tensors; ``None`` if the build did not look at them.

    Args:
        built: The build.
        budget: How many bytes its picture may take.
    """
    content = built.json("layers", "layers.json")
    tensors = content.get("tensors") if isinstance(content, Mapping) else None
    if not tensors:
        return None
    shown = tensors[:_MOST]
    marks = [
        {
            "index": index,
            "value": min(tensor[sense]["snr_db"], _TOP),
            "kind": title,
            "said": f"{index + 1}. {_name(tensor)}, {title}: {tensor[sense]['snr_db']:.1f} dB",
        }
        for index, tensor in enumerate(shown)
        for sense, title in _SENSES
        if tensor[sense]["snr_db"] is not None
    ]
    caption = "Signal-to-noise ratio of each tensor, in the order of the table below: lower is worse"
    chart = points(marks, caption, y="SNR, dB", kinds=[title for _, title in _SENSES]) if marks else None
    note = (
        f"Measured on {content.get('images', '?')} {built.fed}. Alone: only that layer is quantized. "
        "End to end: the whole model is quantized, so errors of earlier layers count."
    )
    if len(tensors) > _MOST:
        note += f" The table has the worst {_MOST} of {len(tensors)} tensors; layers.json has all."
    return PageSection(
        "layers",
        "Layer by layer",
        note,
        charts=[chart],
        tables=[_table(shown), *_blocks(built)],
        more=_picture(built, budget),
    )


def _picture(built: Built, budget: int) -> dict[str, Any]:
    """The region of an image where float and quantized differ most, if the step drew one."""
    content = built.output("layers", "layers.png")
    if content is None or len(content) > budget:
        return {}
    caption = "The region where the two models differ most: image, float, quantized, difference"
    return {"image": {"src": f"data:image/png;base64,{b64encode(content).decode()}", "caption": caption}}


def _table(tensors: list[Mapping[str, Any]]) -> PageTable:
    columns = [
        Column("tensor"), Column("operator"), Column("module"), Column("SNR alone, dB", True),
        Column("SNR end to end, dB", True), Column("cosine", True), Column("MSE", True), Column("range", True),
        Column("outlier bits", True),
    ]  # fmt: skip
    rows = []
    for tensor in tensors:
        alone = tensor["alone"]
        rows.append([
            Cell(_name(tensor), tone="code", title=tensor["tensor"]),
            Cell(tensor.get("operator") or "input"),
            Cell(tensor.get("module") or "", tone="code"),
            _figure(alone["snr_db"], ".1f"),
            _figure(tensor["end_to_end"]["snr_db"], ".1f"),
            _figure(alone["cosine"], ".5f"),
            _figure(alone["mse"], ".2e"),
            Cell(f"{tensor['low']:.3g} … {tensor['high']:.3g}", tensor["high"] - tensor["low"]),
            _figure(tensor.get("outlier"), ".1f"),
        ])  # fmt: skip
    return PageTable("Tensors, noisiest first", columns, rows, filtered=True, chart=True)


def _blocks(built: Built) -> list[PageTable]:
    """What each block of the model loses in 8 bits, and would gain in 16."""
    written = built.json("sensitivity", "sensitivity.json")
    sensitivity = read_figures(Sensitivity, written) if isinstance(written, Mapping) else None
    if sensitivity is None or not sensitivity.blocks:
        return []
    columns = [
        Column("block"), Column("layers", True), Column("multiply-adds", True),
        Column("SNR, only this block in 8 bits, dB", True), Column("SNR, all other blocks in 8 bits, dB", True),
    ]  # fmt: skip
    rows = [
        [
            Cell(str(block["block"]), tone="code"),
            number(len(block["layers"])),
            number(block["share"], f"{100 * block['share']:.1f} %"),
            _figure(block["alone"]["snr_db"], ".1f"),
            _figure(block["without"]["snr_db"], ".1f"),
        ]
        for block in sensitivity.blocks
    ]
    return [PageTable("Blocks, largest possible gain first", columns, rows, filtered=True)]


def _name(tensor: Mapping[str, Any]) -> str:
    return str(tensor.get("layer") or tensor["tensor"])


def _figure(value: float | None, form: str) -> Cell:
    return number(value, None if value is None else format(value, form))
