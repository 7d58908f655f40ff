"""The section on accuracy: float, quantized and board side by side, and class by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import bars
from recipebuild.report.page.parts import Cell, Chart, Column, Section, Table, number
from recipebuild.report.page.quantities import KINDS, accuracies, is_fraction, metric_text, metric_title

_MOST_CLASSES = 40
"""Classes on the chart; of more, those that lost most."""


def accuracy(built: Built) -> Section | None:
    """What was measured on labelled images; ``None`` if nothing was."""
    found = accuracies(built)
    if not found:
        return None
    kinds = [kind for kind in KINDS if any(kind in by_kind for by_kind in found.values())]
    images = built.metrics("evaluate").get("images")
    charts, tables = [], [_overall(found, kinds)]
    per_class = built.metrics("evaluate").get("per_class")
    if isinstance(per_class, Mapping) and per_class:
        names = class_names(built)
        rows = {names.get(int(key), f"class {key}"): value for key, value in sorted(per_class.items(), key=_id)}
        present = [kind for kind in KINDS if any(kind in value for value in rows.values())]
        charts.append(_chart(rows, present))
        tables.append(_by_class(rows, present))
    note = f"Measured on {images} labelled images. " if isinstance(images, int) else ""
    return Section("accuracy", "Accuracy", f"{note}{_told_by(built)}", charts=charts, tables=tables)


def class_names(built: Built) -> dict[int, str]:
    """What classes are called, by id, as far as the step preview knows."""
    found = built.json("preview", "panels/classes.json")
    return {index: it["name"] for index, it in enumerate(found)} if isinstance(found, list) else {}


def loss(by_kind: Mapping[str, float]) -> float | None:
    """What the compiled model lost against the float one: on the board where it ran there."""
    last = by_kind.get("board", by_kind.get("quantized"))
    return None if last is None or "float" not in by_kind else by_kind["float"] - last


def loss_cell(lost: float | None) -> Cell:
    """A loss of a fraction in percentage points; more than one is bad."""
    if lost is None:
        return Cell("")
    return Cell(f"{-100 * lost:+.2f}", -lost, "bad" if lost > 0.01 else "good" if lost < -0.0005 else "")


def _told_by(built: Built) -> str:
    if built.step("simulate"):
        return "The quantized figures are those of the compiled model, simulated by Pulsar2."
    compiled = built.step("compile")
    if compiled and any(it["name"] == "quantized.onnx" for it in compiled["outputs"]):
        return "The quantized figures are those of the embedded quantizer: what 8 bits cost, not what the NPU gives."
    return ""


def _overall(found: Mapping[str, Mapping[str, float]], kinds: list[str]) -> Table:
    rows = []
    for name, by_kind in found.items():
        cells = [Cell(metric_title(name))]
        cells += [number(by_kind[k], metric_text(name, by_kind[k])) if k in by_kind else Cell("") for k in kinds]
        rows.append([*cells, loss_cell(loss(by_kind)) if is_fraction(name) else Cell("")])
    columns = [Column("metric"), *(Column(kind, True) for kind in kinds), Column("change, points", True)]
    return Table("Accuracy over all images", columns, rows)


def _by_class(rows: Mapping[str, Mapping[str, float]], kinds: list[str]) -> Table:
    columns = [Column("class"), *(Column(f"IoU {kind}", True) for kind in kinds), Column("change, points", True)]
    cells = [
        [Cell(name), *(number(v.get(k), f"{100 * v[k]:.2f} %" if k in v else "") for k in kinds), loss_cell(loss(v))]
        for name, v in rows.items()
    ]
    return Table("Accuracy by class", columns, cells, folded=len(rows) > _MOST_CLASSES)


def _chart(rows: Mapping[str, Mapping[str, float]], kinds: list[str]) -> Chart | None:
    chosen, caption = dict(rows), "Intersection over union of each class, in percent"
    if len(rows) > _MOST_CLASSES:
        worst = sorted(rows, key=lambda name: -(loss(rows[name]) or 0.0))[:_MOST_CLASSES]
        chosen = {name: rows[name] for name in worst}
        caption += f"; the {_MOST_CLASSES} classes that lost most"
    return bars(
        [
            {
                "name": name, "series": k, "value": 100 * v[k], "text": f"{100 * v[k]:.1f}",
                "said": f"{name}, {k}: {100 * v[k]:.2f} %",
            }
            for name, v in chosen.items()
            for k in kinds
            if k in v
        ],
        kinds, caption, unit="IoU, %",
    )  # fmt: skip


def _id(pair: tuple[str, Any]) -> int:
    return int(pair[0])
