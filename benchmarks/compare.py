"""The last two runs of each benchmark, side by side.

Run: ``make bench-compare``, or ``python -m benchmarks.compare``. Where a figure is measured against another one, the
two ratios are compared, since they change less from one machine to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.results import read


def main() -> None:
    for line in compared(read()):
        print(line)


def compared(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines to print for a history, oldest first."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for run in history:
        by_name.setdefault(run["benchmark"], []).append(run)
    if not by_name:
        yield "no figures yet: make bench"
    for name, runs in by_name.items():
        new = runs[-1]
        if len(runs) == 1:
            yield f"{name}: only one run, {_when(new)}"
            continue
        old = runs[-2]
        yield f"{name}: {_when(old)} -> {_when(new)}"
        if old["machine"] != new["machine"]:
            yield f"  not the same machine: {_different(old['machine'], new['machine'])}"
        for figure in new["figures"]:
            yield _line(figure, old["figures"].get(figure), new["figures"][figure])


def _line(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    if old is None:
        return f"  {name:44} {'':>10}    {_shown(new)}  new"
    before, after = _ratio(old), _ratio(new)
    comparable = before and (old["unit"], old["of"]) == (new["unit"], new["of"])
    change = f"{100 * (after / before - 1):+7.1f} %" if comparable else "not comparable"
    return f"  {name:44} {_shown(old)} -> {_shown(new)}  {change}"


def _ratio(figure: Mapping[str, Any]) -> float:
    return float(figure["value"] / figure["base"] if figure["base"] else figure["value"])


def _shown(figure: Mapping[str, Any]) -> str:
    value = f"{figure['value']:10.3f} {figure['unit']}"
    return f"{value} ({_ratio(figure):.2f} x {figure['of']})" if figure["base"] else value


def _when(run: Mapping[str, Any]) -> str:
    return f"{run['date'][:16].replace('T', ' ')} {run['commit']}"


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    names = [name for name in new if old.get(name) != new[name]]
    return ", ".join(f"{name} {old.get(name)} -> {new[name]}" for name in names)


if __name__ == "__main__":
    main()
