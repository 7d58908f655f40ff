"""The section on accuracy: PyTorch, float, quantized and board side by side, and class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recipebuild.facts.metrics import ROWS, metric_title
from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import bars
from recipebuild.report.page.parts import Cell, Chart, Column, PageSection, PageTable, number
from recipebuild.report.page.quantities import (
    NAMES,
    accuracies,
    change_text,
    is_fraction,
    is_worse,
    metric_text,
)

OF_A_CLASS = {"miou": ("Intersection over union", "IoU"), "map": ("Average precision", "AP")}
"""Of a metric that is a mean over classes: what it is of one, in words and in short."""

_MOST_CLASSES = 40
"""Classes on the chart; of more, those that lost most."""


def accuracy(built: Built) -> PageSection | None:
    """What was measured on labelled images; ``None`` if nothing was."""
    by_metric = accuracies(built)
    if not by_metric:
        return None
    kinds = [kind for kind in ROWS if any(kind in by_kind for by_kind in by_metric.values())]
    charts, tables = [], [_overall(by_metric, kinds, built.fed)]
    evaluation = built.evaluation
    if evaluation and evaluation.per_class:
        names = class_names(built)
        by_id = sorted(evaluation.per_class.items(), key=_id)
        rows = {names.get(int(key), f"class {key}"): value for key, value in by_id}
        present = [kind for kind in ROWS if any(kind in value for value in rows.values())]
        averaged = "map" if "map" in by_metric else "miou"
        charts.append(_chart(rows, [kind for kind in present if kind != "pytorch"], averaged))
        tables.append(_by_class(rows, present, averaged))
    if evaluation and evaluation.per_output:
        tables.append(_by_output(evaluation.per_output))
    note = "\n".join(filter(None, [_measured_on(built), *_intervals(built), _measured_by(built)]))
    return PageSection("accuracy", "Accuracy", note, charts=charts, tables=tables)


def class_names(built: Built) -> dict[int, str]:
    """What classes are called, by id; classes of one name are told apart by their ids."""
    evaluation = built.evaluation
    names = list(evaluation.labels or ()) if evaluation else []
    return {i: f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names)}


def change(by_kind: Mapping[str, float]) -> float | None:
    """How the compiled model differs from the float one: on the board where it ran there."""
    last = by_kind.get("board", by_kind.get("quantized"))
    return None if last is None or "float" not in by_kind else last - by_kind["float"]


def change_tone(metric: str, changed: float) -> str:
    """Whether a change is good or bad; of a fraction, a loss of less than a point is neither."""
    if not is_fraction(metric) or not is_worse(metric, changed):
        return ""
    return "bad" if abs(changed) > 0.01 else ""


def _change_cell(metric: str, by_kind: Mapping[str, float]) -> Cell:
    changed = change(by_kind)
    if changed is None:
        return Cell("")
    return Cell(change_text(metric, changed), changed, change_tone(metric, changed))


def _measured_on(built: Built) -> str:
    evaluation = built.evaluation
    if evaluation is None:
        return ""
    if evaluation.against == "labels":
        return f"Measured on {evaluation.images} labelled {built.fed}."
    model = NAMES.get(evaluation.against, evaluation.against)
    return f"Measured on {evaluation.images} {built.fed} without labels: the {model} model's answers count as right."


def _intervals(built: Built) -> Iterator[str]:
    """What chance may have done to the figure that counts: 95 % intervals."""
    evaluation = built.evaluation
    if evaluation is None:
        return
    metric = evaluation.metric
    shown = [
        f"{NAMES[kind]} {metric_text(metric, interval[0])} to {metric_text(metric, interval[1])}"
        for kind in ROWS
        if (interval := evaluation.interval.get(kind))
    ]
    if shown:
        yield f"95 % intervals of {metric_title(metric)}: {', '.join(shown)}."
    if bounds := evaluation.drop_interval:
        noise = " That is within noise." if bounds[0] <= 0 <= bounds[1] else ""
        low, high = (change_text(metric, bound) for bound in bounds)
        yield f"Quantization costs {low} to {high}{' points' if is_fraction(metric) else ''}.{noise}"


def _measured_by(built: Built) -> str:
    if built.step("simulate"):
        return "The quantized figures are those of the compiled model, simulated by Pulsar2."
    compiled = built.step("compile")
    if compiled and any(output["name"] == "quantized.onnx" for output in compiled["outputs"]):
        return "The quantized figures are those of the embedded quantizer: what 8 bits cost, not what the NPU gives."
    return ""


def _overall(by_metric: Mapping[str, Mapping[str, float]], kinds: list[str], of: str) -> PageTable:
    rows = []
    for name, by_kind in by_metric.items():
        cells = [Cell(metric_title(name))]
        cells += [number(by_kind[k], metric_text(name, by_kind[k])) if k in by_kind else Cell("") for k in kinds]
        rows.append([*cells, _change_cell(name, by_kind)])
    columns = [Column("metric"), *(Column(NAMES[kind], True) for kind in kinds), Column("change", True)]
    return PageTable(f"Accuracy over all {of}", columns, rows)


def _by_output(figures: Mapping[str, Mapping[str, float]]) -> PageTable:
    columns = [Column("output"), *(Column(metric_title(name), True) for name in ("cosine", "snr"))]
    rows = [
        [Cell(output), *(number(each[name], metric_text(name, each[name])) for name in ("cosine", "snr"))]
        for output, each in figures.items()
    ]
    return PageTable("Each output of the quantized model against the float model's", columns, rows)


def _by_class(rows: Mapping[str, Mapping[str, float]], kinds: list[str], metric: str) -> PageTable:
    columns = [Column("class"), *(Column(NAMES[kind], True) for kind in kinds), Column("change", True)]
    cells = [
        [
            Cell(name),
            *(number(v.get(k), f"{100 * v[k]:.2f} %" if k in v else "") for k in kinds),
            _change_cell(metric, v),
        ]
        for name, v in rows.items()
    ]
    return PageTable(f"{OF_A_CLASS[metric][0]} by class", columns, cells, folded=len(rows) > _MOST_CLASSES)


def _chart(rows: Mapping[str, Mapping[str, float]], kinds: list[str], metric: str) -> Chart | None:
    chosen, caption = dict(rows), f"{OF_A_CLASS[metric][0]} by class, in percent"
    if len(rows) > _MOST_CLASSES:
        worst = sorted(rows, key=lambda name: change(rows[name]) or 0.0)[:_MOST_CLASSES]
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
        kinds, caption, unit=f"{OF_A_CLASS[metric][1]}, %",
    )  # fmt: skip


def _id(pair: tuple[str, Any]) -> int:
    return int(pair[0])
