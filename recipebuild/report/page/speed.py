"""The sections on speed: what was measured on a board, and what Pulsar2 itself estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import bars
from recipebuild.report.page.parts import Cell, Chart, Column, PageSection, PageTable, number
from recipebuild.report.units import size

_TITLES = {
    "images": "calibration samples",
    "qdq_pairs": "pairs of QuantizeLinear and DequantizeLinear",
    "quantized_nodes": "operators, without these pairs",
    "share_16bit": "multiply-adds in 16 bits",
    "tensors": "quantized tensors",
}
"""What figures of compile are called; others by their names."""


def board(built: Built) -> PageSection | None:
    """What the step deploy measured; ``None`` if the model was on no board."""
    deployed = built.deployed
    if deployed is None:
        return None
    rows = [
        [Cell(f"latency, {name}"), number(value, f"{value:.3f} ms")] for name, value in _numbers(deployed.latency_ms)
    ]
    for each in deployed.shapes:
        shape, value = "x".join(map(str, each["shape"])), each["latency_ms"]["avg"]
        rows.append([Cell(f"latency at {shape}, avg"), number(value, f"{value:.3f} ms")])
    if deployed.cmm_bytes:
        rows.append([Cell("memory (CMM)"), number(deployed.cmm_bytes, size(deployed.cmm_bytes))])
    rows += [[Cell(f"sample program, {n}"), number(v, f"{v:.3f} ms")] for n, v in _numbers(deployed.sample_ms or {})]
    rows += [[Cell(n.replace("_", " ")), number(v, f"{v:.6g}")] for n, v in _numbers(deployed.scores)]
    rows += [[Cell(name), Cell(str(value))] for name, value in sorted(deployed.versions.items())]
    table = PageTable("Measured on the board", [Column("figure"), Column("value", True)], rows)
    note = f"On {deployed.board}, with {deployed.images} images compared with the host."
    return PageSection("board", "Board", note, tables=[table])


def estimate(built: Built) -> PageSection | None:
    """Where the time goes by Pulsar2's own estimate, and the precisions it chose; ``None`` if it told nothing."""
    compiled = built.compiled
    if compiled is None:
        return None
    charts: list[Chart | None] = []
    tables = []
    if perf := compiled.npu_perf:
        for name, title in (("engines", "Time by engine"), ("traffic", "Time by kind of work")):
            if shares := _numbers(perf.get(name) or {}):
                rows = [
                    {
                        "name": n,
                        "series": "",
                        "value": 100 * v,
                        "text": f"{100 * v:.1f} %",
                        "said": f"{n}: {100 * v:.1f} %",
                    }
                    for n, v in shares
                ]
                charts.append(bars(rows, [""], title, unit=None))
        cells = [
            [
                Cell(str(layer["layer"]), tone="code"),
                Cell(str(layer.get("module") or "")),
                number(layer["share"], f"{100 * layer['share']:.1f} %"),
            ]
            for layer in perf.get("operators") or ()
        ]
        columns = [Column("layer"), Column("module"), Column("share of the time", True)]
        tables.append(PageTable("The slowest layers", columns, cells, filtered=True))
    scalars = [
        [Cell(_TITLES.get(name, name.replace("_", " "))), _scalar(name, value)]
        for name, value in _numbers(built.metrics("compile"))
        if built.step("configure") and name not in ("bytes", "float_bytes")
    ]
    if scalars:
        tables.append(PageTable("Figures of the toolchain", [Column("figure"), Column("value", True)], scalars))
    if compiled.precisions is not None:
        rows_ = [[Cell(str(name)), _plain(value)] for name, value in compiled.precisions.items()]
        tables.append(PageTable("Precisions", [Column("precision"), Column("layers", True)], rows_))
    return PageSection("compiled", "Compiled model", charts=charts, tables=tables) if tables else None


def _scalar(name: str, value: float) -> Cell:
    return number(value, f"{100 * value:.1f} %") if name == "share_16bit" else number(value)


def _plain(value: Any) -> Cell:
    return number(value) if isinstance(value, int | float) else Cell(str(value))


def _numbers(values: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(k, v) for k, v in values.items() if isinstance(v, int | float) and not isinstance(v, bool)]
