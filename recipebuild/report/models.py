"""Models told to people: the figures of one, or of two side by side.

Use: ``render(figures([describe(a), describe(b)]))``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.report.units import size

if TYPE_CHECKING:
    from rich.table import Table

_ROWS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "bytes": ("size", size),
    "opset": ("opset", str),
    "nodes": ("nodes", str),
    "parameters": ("parameters", lambda n: f"{n / 1e6:.2f} M"),
    "multiply_adds": ("multiply-adds", lambda n: f"{n / 1e9:.2f} G"),
    "peak_activation_bytes": ("peak activations", size),
    "layout_changes": ("layout changes", str),
    "type_changes": ("type changes", str),
}


def figures(models: Sequence[Mapping[str, Any]]) -> Table:
    """A column for each model; of two, also how much the second has of what the first has."""
    from rich.table import Table

    table = Table("", *(model["file"] for model in models), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    if len(models) == 2:
        table.add_column("ratio", justify="right")
    for key, (name, shown) in _ROWS.items():
        table.add_row(name, *(shown(model[key]) for model in models), *_ratio([model[key] for model in models]))
    for which in ("inputs", "outputs"):
        for index in range(max(len(model[which]) for model in models)):
            table.add_row(which[:-1], *(_tensor(model[which], index) for model in models))
    table.add_section()
    for operator in sorted({name for model in models for name in model["operators"]}):
        counts = [model["operators"].get(operator, 0) for model in models]
        table.add_row(operator, *map(str, counts), *_ratio(counts))
    return table


def rewrites(prospects: Sequence[Mapping[str, Any]]) -> Table:
    """A row for each rewrite that would be applied, and for each reason why one would not."""
    from rich.table import Table

    table = Table("rewrite", "applied", "refused", "why", box=None, pad_edge=False)
    for column in table.columns[1:3]:
        column.justify = "right"
    for each in prospects:
        if each["times"] and not each["refused"]:
            table.add_row(each["name"], str(each["times"]))
        for index, (reason, times) in enumerate(each["refused"].items()):
            first = [each["name"], str(each["times"] or "")] if not index else ["", ""]
            table.add_row(*first, str(times), reason)
    return table


def _ratio(values: Sequence[float]) -> list[str]:
    if len(values) != 2:
        return []
    first, second = values
    return ["" if first == second else f"{second / first:.2f}" if first else "new"]


def _tensor(tensors: Sequence[Mapping[str, Any]], index: int) -> str:
    if index >= len(tensors):
        return ""
    tensor = tensors[index]
    shape = "?" if tensor["shape"] is None else "x".join(map(str, tensor["shape"]))
    return f"{tensor['name']} {tensor['dtype']} {shape}"
