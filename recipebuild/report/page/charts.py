"""Charts: Vega-Lite (https://vega.github.io/vega-lite/), drawn to SVG by vl-convert without a browser.

The SVG takes its colours from the page's CSS variables, so that it is light or dark with the page. Each mark has a
label that screen readers say, and that the page shows when one points at it. Without vl-convert there are no charts:
whatever they show is in a table, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from html import escape
from typing import Any

from recipebuild.report.page.parts import Chart
from recipebuild.report.page.written import available

WIDTH = 400
_SERIES = {
    "pytorch": 4, "float": 1, "quantized": 2, "board": 3, "exported": 1, "rewritten": 2, "final": 2,
}  # fmt: skip
"""The colour of each series that occurs on many charts."""
_CONFIG = {
    "background": None,
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink)", "titleColor": "var(--muted)", "gridColor": "var(--line)",
        "domainColor": "var(--line)", "tickColor": "var(--line)", "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "titlePadding": 10, "labelLimit": 260, "tickCount": 6,
    },
    "legend": {
        "labelColor": "var(--ink)", "titleColor": "var(--muted)", "labelFontSize": 12, "titleFontSize": 12,
        "orient": "top", "symbolType": "square", "title": None, "offset": 6, "columnPadding": 28, "labelLimit": 300,
    },
    "header": {"labelColor": "var(--ink)", "labelFontSize": 12},
}  # fmt: skip


def bars(
    rows: Sequence[Mapping[str, Any]], series: Sequence[str], caption: str, *, unit: str | None = ""
) -> Chart | None:
    """Horizontal bars in groups, in the order given.

    Args:
        rows: With ``name``, ``series``, ``value``, ``text`` at the bar's end, and ``said``, the bar's label.
        series: Of which series the rows are, in the order of the bars; one alone has no legend.
        caption: What the chart shows.
        unit: What the axis counts; ``None`` for no axis, as the bars' texts say it.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    thick = 11 if len(series) > 1 else 16
    band = thick * len(series) + 9
    many = len(series) > 1
    y = {
        "field": "name", "type": "nominal", "sort": names, "title": None,
        "axis": {"domain": False, "ticks": False, "labelPadding": 8},
    }  # fmt: skip
    group = {"yOffset": {"field": "series", "sort": list(series), "scale": {"paddingInner": 0.12}}} if many else {}
    x = {
        "field": "value", "type": "quantitative", "title": unit or None,
        "axis": {"format": "d", "domain": False, "ticks": False} if unit is not None else None,
    }  # fmt: skip
    spec = {
        "padding": {"left": 14, "right": 30, "top": 5, "bottom": 5},
        "width": WIDTH,
        "height": band * len(names),
        "data": {"values": list(rows)},
        "encoding": {"y": y, "x": x, **group},
        "layer": [
            {
                "mark": {"type": "bar", "height": thick - 1, "cornerRadiusEnd": 2},
                "encoding": {"color": _color(series), "description": {"field": "said"}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "aria": False},
                "encoding": {
                    "text": {"field": "text"},
                    "color": {"value": "var(--muted)"},
                },
            },
        ],
    }
    return draw(spec, caption)


def points(rows: Sequence[Mapping[str, Any]], caption: str, *, y: str, kinds: Sequence[str]) -> Chart | None:
    """Points in a row, joined to the foot of the chart by thin lines.

    Args:
        rows: In their order, at least one, with ``index``, ``value``, ``kind`` and ``said``.
        caption: What the chart shows.
        y: What the axis counts.
        kinds: What kinds there are; one alone has no legend.
    """
    spec = {
        "width": 960,
        "height": 260,
        "data": {"values": list(rows)},
        "mark": {"type": "point", "filled": True, "size": 42, "opacity": 0.85},
        "encoding": {
            "x": {
                "field": "index", "type": "quantitative", "title": "in the order of the table",
                "axis": {"grid": False, "labels": False, "ticks": False},
                "scale": {"domain": [-1, max(row["index"] for row in rows) + 1], "nice": False},
            },
            "y": {"field": "value", "type": "quantitative", "title": y, "scale": {"zero": False}},
            "color": _color(kinds, "kind"),
            "description": {"field": "said"},
        },
    }  # fmt: skip
    return draw(spec, caption)


def scatter(rows: Sequence[Mapping[str, Any]], caption: str, *, x: str, y: str) -> Chart | None:
    """Points with their names above them, one quantity against another.

    Args:
        rows: With ``name``, ``x``, ``y`` and ``said``, the point's label.
        caption: What the chart shows.
        x: What the horizontal axis counts.
        y: What the vertical axis counts.
    """
    place = {
        axis: {"field": axis, "type": "quantitative", "title": title, "scale": {"zero": False, "padding": padding}}
        for axis, title, padding in (("x", x, 60), ("y", y, 30))
    }
    name = {"type": "text", "dy": -12, "fontSize": 12, "limit": 160, "aria": False}
    point = {"type": "point", "filled": True, "size": 80}
    spec = {
        "width": WIDTH,
        "height": 240,
        "data": {"values": list(rows)},
        "encoding": place,
        "layer": [
            {"mark": point, "encoding": {"color": {"value": "var(--series-2)"}, "description": {"field": "said"}}},
            {"mark": name, "encoding": {"text": {"field": "name"}, "color": {"value": "var(--muted)"}}},
        ],
    }
    return draw(spec, caption)


def draw(spec: Mapping[str, Any], caption: str) -> Chart | None:
    """A chart from its Vega-Lite specification; ``None`` if vl-convert is not installed."""
    if not available():
        return None
    svg = _svg(json.dumps({**spec, "config": _CONFIG}))
    size = re.search(r'viewBox="0 0 (\S+) \S+"', svg)
    width = float(size[1]) if size else WIDTH
    fits = f"max-width:{width:g}px;min-width:{0.6 * width:g}px"
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="group" aria-label="{escape(caption)}" '
        f'viewBox{svg.split("viewBox", 1)[1].split(">", 1)[0]} style="{fits}">'
    )
    return Chart(_named(opening + svg.split(">", 1)[1]), caption)


@lru_cache(maxsize=64)
def _svg(spec: str) -> str:
    """What vl-convert draws, half of a report's time: recipes that share a graph share its chart."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(spec)
    return svg


def _named(svg: str) -> str:
    """The chart with ids of its own: Vega counts them on from chart to chart, whatever page these are for."""
    ids = list(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))
    own = sha256(re.sub(r"\b(?:clip|gradient_)\d+", "", svg).encode()).hexdigest()[:8]
    for index, old in enumerate(ids):
        svg = re.sub(rf'(id="|url\(#){re.escape(old)}(?=["\)])', rf"\g<1>c{own}-{index}", svg)
    return svg


def _color(series: Sequence[str], field: str = "series") -> dict[str, Any]:
    if len(series) == 1:
        return {"value": "var(--series-2)"}
    numbers = [_SERIES.get(name, index % 6 + 1) for index, name in enumerate(series)]
    if len(set(numbers)) < len(numbers):
        numbers = [index % 6 + 1 for index in range(len(series))]
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(series), "range": [f"var(--series-{number})" for number in numbers]},
    }
