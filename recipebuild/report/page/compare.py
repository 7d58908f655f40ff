"""Builds side by side: variants, NPU modes, before and after a change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from recipebuild.facts.fields import config_leaves
from recipebuild.report.page.accuracy import OF_A_CLASS, class_names
from recipebuild.report.page.built import Built, titles
from recipebuild.report.page.charts import bars, scatter
from recipebuild.report.page.parts import Cell, Chart, Column, PageSection, PageTable, number
from recipebuild.report.page.pictures import side_by_side
from recipebuild.report.page.quantities import Quantity, is_fraction, quantities
from recipebuild.report.page.shell import page
from recipebuild.report.page.summary import alerts

_CHARTED = 8
"""Figures that get a chart, the first of those that differ."""
_PICTURES = 2_400_000
"""Bytes of pictures in the page."""
_TELLING = 0.01
"""The least difference, as a part of the figure, that is drawn or coloured."""


def comparison(builds: Sequence[Built], home: str = "") -> str:
    """A page that compares builds; the first is what the others are measured by.

    Args:
        builds: At least two.
        home: The address of the list of builds, where a server has one.
    """
    names = titles(builds)
    warnings = [
        {**alert, "text": f"{title}: {alert['text']}"}
        for title, built in zip(names, builds, strict=True)
        for alert in alerts(built.manifest)
        if alert["level"] in ("error", "warning")
    ]
    sections = [
        figures_section(builds),
        _trades(builds, names),
        _recipes(builds, names),
        side_by_side(builds, names, _PICTURES),
        _classes(builds, names),
        _configurations(builds, names),
    ]
    return page(
        "compare.html.j2",
        title=f"{len(builds)} builds compared",
        mark="",
        home=home,
        titles=names,
        builds=builds,
        alerts=[dict(alert) for alert in {tuple(alert.items()): alert for alert in warnings}.values()],
        sections=[section for section in sections if section],
    )


def figures_section(builds: Sequence[Built]) -> PageSection:
    """The figures of builds in a table, with charts of those that differ."""
    names = titles(builds)
    columns = [{quantity.key: quantity for quantity in quantities(built)} for built in builds]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    charts = [chart for key in keys if _is_telling(key, columns) and (chart := _chart(key, columns, names))][:_CHARTED]
    rows = [[_heading(key, columns), *_cells(key, columns)] for key in keys]
    headings = [Column("figure"), *(Column(title, True) for title in names)]
    note = f"In brackets, the change against {names[0]}."
    table = PageTable("Figures", headings, rows)
    return PageSection("figures", "Side by side", note, [table], charts)


def _is_telling(key: str, columns: Sequence[dict[str, Quantity]]) -> bool:
    """Whether a figure differs so much that bars show it."""
    values = [column[key].value for column in columns if key in column]
    return key != "seconds" and len(values) > 1 and max(values) - min(values) > _TELLING * max(map(abs, values))


def _heading(key: str, columns: Sequence[dict[str, Quantity]]) -> Cell:
    return Cell(next(column[key].title for column in columns if key in column))


def _cells(key: str, columns: Sequence[dict[str, Quantity]]) -> list[Cell]:
    """A figure of each build, and by how much it differs from the first."""
    first = columns[0].get(key)
    cells = []
    for column in columns:
        quantity = column.get(key)
        if quantity is None:
            cells.append(Cell("", None))
        elif first is None or quantity is first or quantity.value == first.value:
            cells.append(number(quantity.value, quantity.text))
        else:
            change = quantity.value - first.value
            if "%" in quantity.text:
                difference = _points(change)
            else:
                difference = f"{100 * change / first.value:+.1f} %" if first.value else ""
            good = (change > 0) == (quantity.better == "more")
            slight = quantity.better is None or key == "seconds" or abs(change) < _TELLING * abs(first.value)
            tone = "" if slight else "good" if good else "bad"
            cells.append(
                number(quantity.value, f"{quantity.text} ({difference})" if difference else quantity.text, tone)
            )
    return cells


def _chart(key: str, columns: Sequence[dict[str, Quantity]], titles: Sequence[str]) -> Chart | None:
    pairs = [(title, column[key]) for title, column in zip(titles, columns, strict=True) if key in column]
    rows = [
        {
            "name": title,
            "series": "",
            "value": quantity.value,
            "text": quantity.text,
            "said": f"{title}: {quantity.text}",
        }
        for title, quantity in pairs
    ]
    return bars(rows, [""], pairs[0][1].title, unit=None)


_COSTS = {
    "compile_bytes": ("compiled model, MB", 1e6),
    "latency_ms": ("latency, ms", 1.0),
    "estimated_ms": ("estimated time, ms", 1.0),
}
"""What accuracy is drawn against: by the quantity's key its axis, and the unit in which that counts."""


def _trades(builds: Sequence[Built], titles: Sequence[str]) -> PageSection | None:
    """Accuracy against size and against latency, where builds have both and differ in what they cost."""
    columns = [{quantity.key: quantity for quantity in quantities(built)} for built in builds]
    measured = [built.evaluation.metric for built in builds if built.evaluation]
    keys = [f"{metric}_{kind}" for metric in dict.fromkeys(measured) for kind in ("board", "quantized")]
    charts = []
    for cost, (axis, unit) in _COSTS.items():
        for key in keys:
            both = [(t, c[cost], c[key]) for t, c in zip(titles, columns, strict=True) if cost in c and key in c]
            if len({price.value for _, price, _ in both}) < 2:
                continue
            scale, percent = (100, ", %") if is_fraction(key.rpartition("_")[0]) else (1, "")
            rows = [
                {"name": t, "x": c.value / unit, "y": a.value * scale, "said": f"{t}: {a.text}, {c.text}"}
                for t, c, a in both
            ]
            title = both[0][2].title
            charts.append(scatter(rows, f"{title} against {both[0][1].title}", x=axis, y=f"{title}{percent}"))
            break
    drawn = [chart for chart in charts if chart]
    note = "Further left is smaller or faster. Higher is better, except for error metrics such as RMSE."
    return PageSection("trades", "Accuracy, size and latency", note, charts=drawn) if drawn else None


def _classes(builds: Sequence[Built], titles: Sequence[str]) -> PageSection | None:
    """IoU or average precision by class of what each build would run."""
    columns = []
    for built in builds:
        per_class = (built.evaluation and built.evaluation.per_class) or {}
        columns.append({int(key): value.get("quantized", value.get("float")) for key, value in per_class.items()})
    ids = sorted({key for column in columns for key in column})
    if not ids:
        return None
    names = {key: name for built in builds for key, name in class_names(built).items()}
    rows = [
        [
            Cell(names.get(key, f"class {key}")),
            *(_of_class(column.get(key), columns[0].get(key)) for column in columns),
        ]
        for key in ids
    ]
    charted = [
        {
            "name": names.get(key, f"class {key}"),
            "series": title,
            "value": 100 * value,
            "text": f"{100 * value:.1f}",
            "said": f"{names.get(key, key)}, {title}: {100 * value:.2f} %",
        }
        for key in ids
        for title, column in zip(titles, columns, strict=True)
        if (value := column.get(key)) is not None
    ]
    boxes = any(built.evaluation and "map_float" in built.evaluation.scores for built in builds)
    what, short = OF_A_CLASS["map" if boxes else "miou"]
    chart = bars(charted, titles, f"{what} of each class, in percent", unit=f"{short}, %")
    charts = [chart] if len(ids) * len(titles) <= 120 else []
    table = PageTable("Accuracy by class", [Column("class"), *(Column(title, True) for title in titles)], rows)
    return PageSection(
        "classes",
        "Accuracy by class",
        "Of the quantized model, or of the float model if nothing was quantized. "
        f"In brackets, the change against {titles[0]}.",
        charts=charts,
        tables=[table],
    )


def _of_class(value: float | None, first: float | None) -> Cell:
    """The accuracy of a class, and by how many points it differs from that of the first build."""
    if value is None:
        return Cell("")
    text = f"{100 * value:.2f} %"
    if first is None or value == first:
        return number(value, text)
    tone = "" if abs(value - first) < _TELLING else "good" if value > first else "bad"
    difference = _points(value - first)
    return number(value, f"{text} ({difference})" if difference else text, tone)


def _points(change: float) -> str:
    """The change of a fraction, in points; empty if it rounds to none."""
    text = f"{100 * change:+.2f}"
    return f"{text} points" if float(text) else ""


def _recipes(builds: Sequence[Built], titles: Sequence[str]) -> PageSection | None:
    """The parameters in which the builds' steps differ: what the recipes, bases and ``--set`` came to."""
    values = [dict(_parameters(built)) for built in builds]
    rows: dict[tuple[str, ...], list[str]] = {}
    steps = [{step for step, _ in each} for each in values]
    shared = {path for each in values for step, path in each if all(step in names for names in steps)}
    for step, path in dict.fromkeys(key for each in values for key in each):
        if path in shared and not all(step in names for names in steps):
            continue  # the input of a step that only some have: the others' steps tell it, too
        texts = [json.dumps(each[step, path], ensure_ascii=False) if (step, path) in each else "" for each in values]
        if all(values) and len(set(texts)) > 1:
            rows.setdefault((path, *texts), []).append(step)
    if not rows:
        return None
    cells = [
        [Cell(path, tone="code"), Cell(", ".join(of)), *(_value(text, "not set") for text in texts)]
        for (path, *texts), of in rows.items()
    ]
    columns = [Column("parameter"), Column("steps"), *(Column(title) for title in titles)]
    note = "Parameters of steps that differ, with bases, defaults and overrides applied."
    return PageSection("recipe", "Recipe", note, tables=[PageTable("Differing parameters", columns, cells)])


def _parameters(built: Built) -> Iterator[tuple[tuple[str, str], Any]]:
    """The parameters of a build's steps by step and path, as its provenance has them; none without a bundle."""
    statement = built.json("bundle", "bundle/provenance.json")
    try:
        steps = statement["predicate"]["buildDefinition"]["externalParameters"]["steps"] if statement else []
        for step in steps:
            for path, value in config_leaves(step["params"]):
                yield (step["name"], path), value
    except (KeyError, TypeError):
        return


def _configurations(builds: Sequence[Built], titles: Sequence[str]) -> PageSection | None:
    """The values of Pulsar2's configuration in which builds differ."""
    values = [dict(config_leaves(built.json("configure", "pulsar2.json") or {})) for built in builds]
    rows = []
    for path in dict.fromkeys(path for each in values for path in each):
        texts = [json.dumps(each[path], ensure_ascii=False) if path in each else "" for each in values]
        if len(set(texts)) > 1:
            rows.append([Cell(path, tone="code"), *(_value(text, "Pulsar2's default") for text in texts)])
    if not rows:
        return None
    columns = [Column("value"), *(Column(title) for title in titles)]
    return PageSection(
        "config", "Pulsar2 configuration", "Values that differ.", tables=[PageTable("Differing values", columns, rows)]
    )


def _value(text: str, missing: str) -> Cell:
    return Cell(text, tone="code") if text else Cell(missing, tone="muted")
