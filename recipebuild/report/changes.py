"""What differs between two builds: figures, steps, configuration, versions. As JSON values and as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.facts.fields import config_leaves
from recipebuild.report.page.built import Built
from recipebuild.report.page.quantities import quantities

if TYPE_CHECKING:
    from rich.table import Table


def pairs(a: Sequence[Built], b: Sequence[Built]) -> list[tuple[Built, Built]]:
    """Which entries of two builds are compared: those of one label, or else each with each in their order."""
    theirs = {built.label: built for built in b}
    same = [(built, theirs[built.label]) for built in a if built.label in theirs]
    return same or list(zip(a, b, strict=False))


def changes(a: Built, b: Built) -> dict[str, Any]:
    """What differs, as ``diff --json`` prints it.

    Returns:
        ``a`` and ``b``: what is compared. ``figures``: those that differ: ``key``, ``title``, both values and texts.
        ``steps``: those that differ: ``name``, and ``differs``: ``only a``, ``only b``, ``output`` (it wrote something
        else) or ``key`` (it was made of something else and wrote the same). ``configuration`` and ``environment``:
        ``path`` and both values.
    """
    return {
        "a": _name(a),
        "b": _name(b),
        "figures": list(_figures(a, b)),
        "steps": list(_steps(a, b)),
        "configuration": list(_differing(_config(a), _config(b))),
        "environment": list(_differing(_environment(a), _environment(b))),
    }


def tables(differences: Mapping[str, Any]) -> list[Table]:
    """What ``diff`` prints of ``changes``; nothing if nothing differs."""
    from rich.table import Table

    rows: dict[str, list[tuple[str, str, str]]] = {
        "figure": [(figure["title"], figure["a"]["text"], figure["b"]["text"]) for figure in differences["figures"]],
        "Pulsar2 configuration": [
            (value["path"], _short(value["a"]), _short(value["b"])) for value in differences["configuration"]
        ],
        "environment": [
            (value["path"], _short(value["a"]), _short(value["b"])) for value in differences["environment"]
        ],
    }
    made = []
    for title, lines in rows.items():
        if lines:
            made.append(Table(title, "A", "B", box=None, pad_edge=False))
            for line in lines:
                made[-1].add_row(*line)
    if differences["steps"]:
        made.append(Table("step", "what differs", box=None, pad_edge=False))
        for step in differences["steps"]:
            made[-1].add_row(step["name"], _DIFFERENCES[step["differs"]])
    return made


_DIFFERENCES = {
    "only a": "only in A",
    "only b": "only in B",
    "output": "wrote something else",
    "key": "was made of something else, and wrote the same",
}


def _name(built: Built) -> str:
    place = built.folder.as_posix()
    return f"{place} [{built.label}]" if built.label else place


def _figures(a: Built, b: Built) -> Iterable[dict[str, Any]]:
    one, two = ({quantity.key: quantity for quantity in quantities(built)} for built in (a, b))
    nothing = {"value": None, "text": ""}
    for key in dict.fromkeys([*one, *two]):
        first, second = one.get(key), two.get(key)
        if (first and first.value) != (second and second.value):
            title = next(quantity.title for quantity in (first, second) if quantity)
            values = [
                {"value": quantity.value, "text": quantity.text} if quantity else nothing
                for quantity in (first, second)
            ]
            yield {"key": key, "title": title, "a": values[0], "b": values[1]}


def _steps(a: Built, b: Built) -> Iterable[dict[str, str]]:
    one, two = ({entry["name"]: entry for entry in built.steps} for built in (a, b))
    for name in dict.fromkeys([*one, *two]):
        if name not in two:
            yield {"name": name, "differs": "only a"}
        elif name not in one:
            yield {"name": name, "differs": "only b"}
        elif _outputs(one[name]) != _outputs(two[name]):
            yield {"name": name, "differs": "output"}
        elif one[name]["key"] != two[name]["key"]:
            yield {"name": name, "differs": "key"}


def _outputs(entry: Mapping[str, Any]) -> dict[str, str]:
    return {output["name"]: output["sha256"] for output in entry["outputs"]}


def _config(built: Built) -> dict[str, Any]:
    return dict(config_leaves(built.json("configure", "pulsar2.json") or {}))


def _environment(built: Built) -> dict[str, Any]:
    environment = built.manifest["environment"]
    own = {name: environment[name] for name in ("recipebuild", "python", "platform") if name in environment}
    used = built.manifest["toolchain"]
    toolchain = used if "name" in used else used.get(built.label, {})
    return {"toolchain": " ".join(map(str, toolchain.values())), **own, **environment.get("distributions", {})}


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for path in dict.fromkeys([*a, *b]):
        if a.get(path) != b.get(path):
            yield {"path": path, "a": a.get(path), "b": b.get(path)}


def _short(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
