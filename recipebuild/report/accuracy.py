"""What a build's accuracy is, and where it is lost, as tables for the terminal; several builds side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.facts.metrics import METRICS, metric_title
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.values import read_figures
from recipebuild.report.table import aligned, rendered
from recipebuild.report.units import fed, shown, size

if TYPE_CHECKING:
    from rich.table import Table

    Entry = Mapping[str, Any]

_FIGURES = tuple(METRICS)


_LEGEND = "~ within noise. Same: equal class ids, and max error: max|a - b| / max|b|, against the rung before"


def accuracy_text(manifest: Entry) -> str:
    """The tables of accuracy and ladder, and the verdict against what was accepted.

    Those of steps that were built now; where judge found something to fall short, of all.
    """
    short = any(step["name"] == "judge" and step["status"] == "failed" for step in manifest["steps"])
    shown_now = ("built", "cached") if short else ("built",)
    parts, of = [], fed(manifest["steps"])
    for step in manifest["steps"]:
        name = f" {step['variant']}" if step["variant"] else ""
        if step["status"] not in shown_now:
            continue
        if step["name"] == "evaluate" and (evaluated := read_figures(Evaluation, step["metrics"])):
            title = f"accuracy{name}, {evaluated.images} {of}"
            parts.append(rendered(_accuracy(evaluated, _board(manifest, step["variant"]), title)))
        if step["name"] == "ladder" and (climbed := read_figures(Ladder, step["metrics"])):
            parts.append(rendered(_ladder(climbed, f"ladder{name}, {climbed.images} {of}")))
            parts.append("\n".join(filter(None, [_LEGEND, climbed.compared_on(of), f"{climbed.verdict}\n\n"])))
        if step["name"] == "deploy" and (climbed := _board_ladder(read_figures(Deployed, step["metrics"]))):
            parts.append(rendered(_ladder(climbed, f"board{name}, {climbed.images} {of}")))
            parts.append(f"{_LEGEND}\n{climbed.verdict}\n\n")
    return "".join(parts) + verdict_text(manifest)


def verdict_text(manifest: Entry) -> str:
    """What the build is against the accepted figures; empty if there are none."""
    lines = []
    for label, verdict in manifest.get("verdict", {}).items():
        name = f" {label}" if label else ""
        lines += [f"against what was accepted{name}: {verdict['verdict']}", *(f"  {line}" for line in verdict["lines"])]
    return "".join(f"{line}\n" for line in lines)


def comparison(manifests: Sequence[Entry]) -> str:
    """One row for each build, of several recipes or entries of a matrix; empty for a single one, or without figures."""
    rows = [row for manifest in manifests for row in _rows(manifest)]
    measured = [row for row in rows if any(row.values())]
    if len(rows) < 2 or not measured:
        return ""
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    return aligned("builds compared", rows, columns)


def _table(title: str, columns: Sequence[str]) -> Table:
    """A table of words in the first column and figures in all others."""
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _interval(metric: str, bounds: Sequence[float] | None) -> str:
    """Both ends with one unit: ``80.0-85.3 %``."""
    if not bounds:
        return ""
    low, _, unit = shown(metric, bounds[0]).partition(" ")
    return f"{low}-{shown(metric, bounds[1])}" if unit else f"{low} to {shown(metric, bounds[1])}"


def _accuracy(evaluated: Evaluation, board: Deployed | None, title: str) -> Table:
    metric = evaluated.metric
    titles = {"pytorch": "PyTorch", "float": "ONNX", "quantized": "quantized", "board": "board"}
    scores = {**evaluated.scores, **(board.scores if board else {})}
    figures = [name for name in _FIGURES if any(f"{name}_{row}" in scores for row in titles)]
    columns = ["model", *(metric_title(name) for name in figures), f"95 % of {metric_title(metric)}"]
    table = _table(title, columns)
    for row, model in titles.items():
        values = [scores.get(f"{name}_{row}") for name in figures]
        if any(value is not None for value in values):
            bounds = evaluated.interval.get(row)
            table.add_row(
                model, *(shown(name, v) if v is not None else "" for name, v in zip(figures, values, strict=True)),
                _interval(metric, bounds),
            )  # fmt: skip
    return table


def _ladder(climbed: Ladder, title: str) -> Table:
    metric = climbed.metric
    columns = ["stage", metric_title(metric), "95 %", "change", "same", "max error"]
    table = _table(title, columns)
    for row in climbed.rows:
        bounds, same, error = row["interval"], row.get("same"), row.get("largest_error")
        noise = " ~" if row.get("within_noise") and row.get("change") else ""
        table.add_row(
            row["title"],
            shown(metric, row[metric]),
            _interval(metric, bounds),
            f"{row['change']:+.4f}{noise}" if "change" in row else "",
            f"{100 * same:.2f} %" if same is not None else "",
            f"{error:.1e}" if error is not None else "",
        )
    return table


def _board_ladder(deployed: Deployed | None) -> Ladder | None:
    return read_figures(Ladder, deployed.ladder) if deployed and deployed.ladder else None


def _rows(manifest: Entry) -> Iterator[dict[str, str]]:
    """The builds of a manifest: one, or the entries of its matrix."""
    labels = list(dict.fromkeys(step["variant"] for step in manifest["steps"] if step["variant"])) or [""]
    for label in labels:
        steps = {step["name"]: step["metrics"] for step in manifest["steps"] if step["variant"] in ("", label)}
        evaluated = read_figures(Evaluation, steps.get("evaluate", {}))
        compiled = read_figures(Compiled, steps.get("compile", {}))
        board = _board(manifest, label)
        metric = evaluated.metric if evaluated else ""
        values = {row: evaluated.score(row) if evaluated else None for row in ("float", "quantized")}
        on_board = board.scores.get(f"{metric}_board") if board else None
        verdict = manifest.get("verdict", {}).get(label, {})
        yield {
            "build": f"{manifest['recipe']} {label}".strip(),
            "metric": metric_title(metric),
            **{row: shown(metric, value) if value is not None else "" for row, value in values.items()},
            "loss": f"{evaluated.drop:+.4f}" if evaluated and evaluated.drop is not None else "",
            "board": shown(metric, on_board) if on_board is not None else "",
            "size": size(compiled.bytes) if compiled else "",
            "cycles": f"{compiled.max_cycle:,}" if compiled and compiled.max_cycle else "",
            "ms": f"{board.latency_ms['avg']:.3f}" if board else "",
            "accepted": str(verdict.get("verdict", "")),
        }


def _board(manifest: Entry, label: str) -> Deployed | None:
    deployments = (s["metrics"] for s in manifest["steps"] if s["name"] == "deploy" and s["variant"] in ("", label))
    return read_figures(Deployed, next(deployments, {}))
