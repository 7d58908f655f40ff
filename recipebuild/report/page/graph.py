"""The section on the graph: operators, multiply-adds and memory before and after, and what each rewrite did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recipebuild.figures.corrected import CorrectedBiases, CorrectedSite
from recipebuild.figures.equalized import Equalized, EqualizedSite
from recipebuild.figures.exported import Exported
from recipebuild.figures.final_model import FinalModel
from recipebuild.figures.operators import OperatorRow
from recipebuild.figures.rewritten import Pass, Refusal, Rewritten
from recipebuild.figures.simplified import Simplified
from recipebuild.report.page.built import Built
from recipebuild.report.page.charts import bars
from recipebuild.report.page.parts import Cell, Chart, Column, PageSection, PageTable, number
from recipebuild.report.page.quantities import count_text
from recipebuild.report.units import size


def graph(built: Built) -> PageSection | None:
    """The graph after each stage; ``None`` if no step has figures of it."""
    stages = _stages(built)
    if stages is None:
        return None
    rewritten = built.rewritten
    operators = _operators(built.figures(Simplified, "simplify"), rewritten)
    tables = []
    charts: list[Chart | None] = []
    if operators:
        charts.append(_chart(operators))
        tables.append(_operator_table(operators))
    if rewritten and rewritten.passes:
        tables.append(_passes(rewritten.passes, rewritten.nodes_before))
    if rewritten and rewritten.refused:
        tables.append(_refused(rewritten.refused))
    equalized = built.figures(Equalized, "equalize")
    if equalized and equalized.sites:
        tables.append(_equalized(equalized.sites))
    corrected = built.figures(CorrectedBiases, "correct-bias")
    if corrected and corrected.sites:
        tables.append(_corrected(corrected.sites))
    return PageSection("graph", "Graph", _note(rewritten), [stages], charts, tables)


def _note(rewritten: Rewritten | None) -> str:
    if rewritten is None or rewritten.relative is None:
        return ""
    text = f"The rewritten graph matches the exported one to a relative error of {rewritten.relative:.1e}"
    agreement = rewritten.agreement
    return text + (f"; {100 * agreement:.2f} % of the pixels get the same class." if agreement is not None else ".")


def _stages(built: Built) -> PageTable | None:
    """Operators, multiply-adds and memory after each step that has such figures; ``None`` if none has."""
    rewritten = built.rewritten
    blank = [Cell("")] * 3
    before = after = blank
    if rewritten:
        before = _work(
            rewritten.multiply_adds_before, rewritten.peak_activation_bytes_before, rewritten.layout_changes_before
        )
        after = _work(
            rewritten.multiply_adds_after, rewritten.peak_activation_bytes_after, rewritten.layout_changes_after
        )
    rows = []
    if exported := built.figures(Exported, "export"):
        rows.append([Cell("exported"), number(exported.nodes), *blank, _shown(exported.bytes, size)])
    if simplified := built.figures(Simplified, "simplify"):
        rows.append([Cell("simplified"), number(simplified.nodes_after), *before, _shown(simplified.bytes, size)])
    if rewritten:
        rows.append([Cell("rewritten"), number(rewritten.nodes_after), *after, _shown(rewritten.bytes, size)])
    if final := built.figures(FinalModel, "head"):
        rows.append([Cell("with head"), number(final.nodes), *blank, _shown(final.bytes, size)])
    if not rows:
        return None
    if compiled := built.compiled:
        rows.append([Cell("compiled"), number(compiled.quantized_nodes), *blank, _shown(compiled.bytes, size)])
    columns = ["operators", "multiply-adds", "peak activations", "layout changes", "file"]
    return PageTable("Work and memory by stage", [Column("stage"), *(Column(name, True) for name in columns)], rows)


def _work(multiply_adds: int, activation_bytes: int, layout_changes: int) -> list[Cell]:
    return [_shown(multiply_adds, count_text), _shown(activation_bytes, size), _shown(layout_changes, str)]


def _operators(before: Simplified | None, after: Rewritten | None) -> dict[str, tuple[int, int, int]]:
    """How many of each operator were exported, left by the simplifier, and left by the rewrites, but for constants."""
    simplified = _counts(before.operators if before else ())
    rewritten = _counts(after.operators if after else ())
    if not rewritten and not simplified:
        return {}
    names = (simplified.keys() | rewritten.keys()) - {"Constant"}
    counts = {}
    for name in names:
        exported, middle = simplified.get(name) or (rewritten.get(name, (0, 0))[0],) * 2
        counts[name] = (exported, middle, rewritten[name][1] if name in rewritten else 0 if rewritten else middle)
    return dict(sorted(counts.items(), key=lambda pair: (-max(pair[1]), pair[0])))


def _counts(rows: Sequence[OperatorRow]) -> dict[str, tuple[int, int]]:
    return {row["op"]: (row["before"], row["after"]) for row in rows}


def _chart(operators: Mapping[str, tuple[int, int, int]]) -> Chart | None:
    rows = [
        {"name": name, "series": series, "value": count, "text": str(count), "said": f"{name}, {series}: {count}"}
        for name, (first, _, last) in operators.items()
        if first or last
        for series, count in (("exported", first), ("final", last))
    ]
    return bars(rows, ["exported", "final"], "Operators in the exported and the final graph", unit="nodes")


def _operator_table(operators: Mapping[str, tuple[int, int, int]]) -> PageTable:
    def change(first: int, last: int) -> Cell:
        return Cell(f"{last - first:+d}" if last != first else "0", last - first, "" if last != first else "muted")

    rows = [[Cell(name), *map(number, counts), change(counts[0], counts[2])] for name, counts in operators.items()]
    columns = [Column("operator"), *(Column(t, True) for t in ("exported", "simplified", "rewritten", "change"))]
    return PageTable("Operators by stage", columns, rows)


def _passes(passes: Sequence[Pass], before: int) -> PageTable:
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
        Column("operators after", True),
        Column("change", True),
    ]
    return PageTable("Rewrites, in order", columns, rows, folded=True)


def _refused(refused: Sequence[Refusal]) -> PageTable:
    rows = [[Cell(each["name"], tone="code"), number(each["times"]), Cell(each["reason"])] for each in refused]
    columns = [Column("rewrite"), Column("sites left alone", True), Column("why")]
    return PageTable("Rewrites not applied, with the reason", columns, rows, folded=True)


def _equalized(sites: Sequence[EqualizedSite]) -> PageTable:
    rows = [
        [
            Cell(site["technique"], tone="code"),
            Cell(site["tensor"], tone="code"),
            number(site["channels"]),
            _gain(site["predicted_db"]),
            _gain(site["measured_db"]),
        ]
        for site in sites
    ]
    columns = [
        Column("technique"),
        Column("tensor"),
        Column("channels", True),
        Column("predicted", True),
        Column("measured", True),
    ]
    return PageTable("Equalized tensors, with the gain in SNR of their consumers", columns, rows, folded=True)


def _corrected(sites: Sequence[CorrectedSite]) -> PageTable:
    rows = [[Cell(site["tensor"], tone="code"), number(site["channels"]), _gain(site["gain_db"])] for site in sites]
    columns = [Column("product"), Column("channels", True), Column("gain", True)]
    return PageTable("Corrected biases, with the gain in SNR over the noise of the weights", columns, rows, folded=True)


def _gain(decibels: float) -> Cell:
    return number(decibels, f"{decibels:+.1f} dB")


def _step(change: int) -> Cell:
    return Cell(f"{change:+d}" if change else "0", change, "" if change else "muted")


def _shown(value: float | None, text: Any) -> Cell:
    return number(value, None if value is None else text(value))
