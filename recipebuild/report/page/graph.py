"""The section on the graph: operators, multiply-adds and memory before and after, and what each rewrite did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipebuild.report.figures import size
from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import bars
from recipebuild.report.page.parts import Cell, Chart, Column, PageSection, PageTable, number
from recipebuild.report.page.quantities import count_text

_STAGES = (("export", "exported"), ("simplify", "simplified"), ("rewrite", "rewritten"), ("head", "with head"))


def graph(built: Built) -> PageSection | None:
    """What became of the graph on its way; ``None`` if no step tells."""
    operators = _operators(built)
    lead = [_stages(built)] if any(built.metrics(step) for step, _ in _STAGES) else []
    tables = []
    charts: list[Chart | None] = []
    if operators:
        charts.append(_chart(operators))
        tables.append(_operator_table(operators))
    if passes := built.metrics("rewrite").get("passes"):
        tables.append(_passes(built, passes))
    if refused := built.metrics("rewrite").get("refused"):
        tables.append(_refused(refused))
    if not lead:
        return None
    return PageSection("graph", "Graph", _note(built), lead, charts, tables)


def _note(built: Built) -> str:
    rewritten = built.metrics("rewrite")
    if rewritten.get("relative") is None:
        return ""
    text = f"The rewritten graph gives what the exported one gives, to a relative error of {rewritten['relative']:.1e}"
    agreement = rewritten.get("agreement")
    return text + (
        f"; the class is the same for {100 * agreement:.2f} % of the pixels." if agreement is not None else "."
    )


def _stages(built: Built) -> PageTable:
    """Operators, multiply-adds and memory after each step that has such figures."""
    rewritten = built.metrics("rewrite")
    rows = []
    for step, title in _STAGES:
        metrics = built.metrics(step)
        if not metrics:
            continue
        ending = {"simplify": "_before", "rewrite": "_after"}.get(step)
        work = {
            name: rewritten.get(f"{name}{ending}") if ending else None
            for name in ("multiply_adds", "peak_activation_bytes", "layout_changes")
        }
        rows.append([
            Cell(title),
            number(metrics.get("nodes", metrics.get("nodes_after"))),
            _shown(work["multiply_adds"], count_text),
            _shown(work["peak_activation_bytes"], size),
            _shown(work["layout_changes"], str),
            _shown(metrics.get("bytes"), size),
        ])  # fmt: skip
    if compiled := built.compiled:
        blank = [Cell("")] * 3
        rows.append([Cell("compiled"), number(compiled.quantized_nodes), *blank, _shown(compiled.bytes, size)])
    columns = ["operators", "multiply-adds", "peak activations", "layout changes", "file"]
    return PageTable("Work and memory by stage", [Column("stage"), *(Column(name, True) for name in columns)], rows)


def _operators(built: Built) -> dict[str, tuple[int, int, int]]:
    """How many of each operator were exported, left by the simplifier, and left by the rewrites, but for constants."""
    tables = [_counts(built.metrics(step).get("operators")) for step in ("simplify", "rewrite")]
    simplified, rewritten = tables
    if not rewritten and not simplified:
        return {}
    names = (simplified.keys() | rewritten.keys()) - {"Constant"}
    counts = {}
    for name in names:
        exported, middle = simplified.get(name) or (rewritten.get(name, (0, 0))[0],) * 2
        counts[name] = (exported, middle, rewritten[name][1] if name in rewritten else 0 if rewritten else middle)
    return dict(sorted(counts.items(), key=lambda pair: (-max(pair[1]), pair[0])))


def _counts(rows: Any) -> dict[str, tuple[int, int]]:
    return {row["op"]: (row["before"], row["after"]) for row in rows or () if isinstance(row, Mapping)}


def _chart(operators: Mapping[str, tuple[int, int, int]]) -> Chart | None:
    rows = [
        {"name": name, "series": series, "value": count, "text": str(count), "said": f"{name}, {series}: {count}"}
        for name, (first, _, last) in operators.items()
        if first or last
        for series, count in (("exported", first), ("final", last))
    ]
    return bars(rows, ["exported", "final"], "Operators in the exported and in the final graph", unit="nodes")


def _operator_table(operators: Mapping[str, tuple[int, int, int]]) -> PageTable:
    def change(first: int, last: int) -> Cell:
        return Cell(f"{last - first:+d}" if last != first else "0", last - first, "" if last != first else "muted")

    rows = [[Cell(name), *map(number, counts), change(counts[0], counts[2])] for name, counts in operators.items()]
    columns = [Column("operator"), *(Column(t, True) for t in ("exported", "simplified", "rewritten", "change"))]
    return PageTable("Operators by stage", columns, rows)


def _passes(built: Built, passes: list[Mapping[str, Any]]) -> PageTable:
    before = built.metrics("rewrite").get("nodes_before", 0)
    rows = []
    for each in passes:
        rows.append(
            [
                Cell(each["name"], tone="code"),
                number(each["times"]),
                number(each["nodes"]),
                _step(each["nodes"] - before),
            ]
        )
        before = each["nodes"]
    columns = [
        Column("rewrite"),
        Column("times applied", True),
        Column("operators after it", True),
        Column("change", True),
    ]
    return PageTable("Rewrites, in their order", columns, rows, folded=True)


def _refused(refused: list[Mapping[str, Any]]) -> PageTable:
    rows = [[Cell(each["name"], tone="code"), number(each["times"]), Cell(each["reason"])] for each in refused]
    columns = [Column("rewrite"), Column("places left", True), Column("why")]
    return PageTable("Rewrites that were not applied, and why", columns, rows, folded=True)


def _step(change: int) -> Cell:
    return Cell(f"{change:+d}" if change else "0", change, "" if change else "muted")


def _shown(value: float | None, text: Any) -> Cell:
    return number(value, None if value is None else text(value))
