"""Counts what the models of shipped recipes cost: ``python -m scripts.count_models [RECIPE...]``.

Without names, those that ``recipebuild/facts/models.yaml`` has no costs of. Each is built up to its last graph with
random weights, which takes minutes and gigabytes of memory, and is written down as soon as it is counted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from recipebuild.facts.models import FILE, published
from recipebuild.resources import shipped
from recipebuild.session import Options
from recipebuild.verbs.estimate import estimate


def main(names: list[str]) -> None:
    """Count models and write their rows."""
    rows = {name: dict(row) for name, row in published().items()}
    for name in names or sorted(path.stem for path in shipped("recipes").glob("*.yaml")):
        if names or "costs" not in rows.get(name, {}):
            rows[name] = {**rows.get(name, {}), "costs": _costs(name)}
            write(rows)


def write(rows: dict[str, dict[str, Any]]) -> None:
    """Write the rows below the file's remarks."""
    path = Path(str(FILE))
    text = path.read_text(encoding="utf-8")
    remarks = text[: text.index("\n\n") + 2]
    body = "".join(
        f"{name}:\n" + "".join(f"  {key}: {_flow(value)}\n" for key, value in sorted(rows[name].items()))
        for name in sorted(rows)
    )
    path.write_text(remarks + body, encoding="utf-8")


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _costs(name: str) -> dict[str, Any]:
    weights = [] if name.startswith("quickstart") else ["model.weights=random"]
    costs: dict[str, Any] = estimate(name, Options(sets=weights))[0]["costs"]
    return {**costs, "softmax_sizes": list(costs["softmax_sizes"])}


if __name__ == "__main__":
    main(sys.argv[1:])
