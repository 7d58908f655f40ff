"""Tries every family of models: ``python -m scripts.families FOLDER`` writes docs/families.md.

Each type of model that transformers' Auto classes for our tasks have is built small, with random weights, verified and
quantized; what became of it is a row. It takes an hour on two cores, after `make setup` and `pip install scipy`, which
models of masks need. Types after FOLDER are tried alone; what was built before is kept in FOLDER.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

import recipebuild
from recipebuild.facts.tasks import FEATURES, SEGMENTATION, TASKS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "families.md"
CONFIGS = Path(__file__).with_name("configs.yaml")
_HEAD = "| model_type | task | result | note |"
_USUAL_OPSET = 17
_IMAGES = 4
_AT_ONCE = 6


@dataclass(frozen=True)
class Tried:
    """What became of one type.

    Attributes:
        kind: The ``model_type``.
        task: What was built of it; empty if it can do nothing of ours.
        opset: The ONNX opset that it was exported at.
        warnings: Codes of what the build warned of on the chip.
        error: Why it was refused; empty if it was built.
    """

    kind: str
    task: str
    opset: int = _USUAL_OPSET
    warnings: Sequence[str] = ()
    error: str = ""

    @property
    def row(self) -> str:
        """The line of the table."""
        notes = [] if self.opset == _USUAL_OPSET else [f"needs `export.opset: {self.opset}`"]
        notes += [f"[{code}](rules.md#{code.lower()})" for code in self.warnings]
        result = "refused" if self.error else "builds, with a note" if notes else "builds"
        return f"| `{self.kind}` | {self.task} | {result} | {self.error or ', '.join(notes)} |"


def types() -> dict[str, dict[str, Any]]:
    """The types that are tried: what configs.yaml says of each."""
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(CONFIGS.read_text(encoding="utf-8"))["types"]
    return loaded


def main(folder: Path, kinds: Sequence[str]) -> None:
    """Build all types, or those that are named, a few at once; their rows on the page follow as they come."""
    folder.mkdir(parents=True, exist_ok=True)
    _draw_images(folder / "images")
    known = types()
    chosen = kinds or sorted(known)
    for start in range(0, len(chosen), _AT_ONCE):
        found = _tried(folder, chosen[start : start + _AT_ONCE], known)
        page = with_rows(PAGE.read_text(encoding="utf-8"), {one.kind: one.row for one in found})
        PAGE.write_text(page, encoding="utf-8")


def _tried(folder: Path, kinds: Sequence[str], known: dict[str, dict[str, Any]]) -> list[Tried]:
    """What became of some types; those that cannot be written at the usual opset are built once more, at the next."""
    tried = {kind: _planned(folder, kind, known[kind]) for kind in kinds}
    able = [kind for kind, one in tried.items() if not one.error]
    tried |= _build(folder, able, {kind: tried[kind].task for kind in able}, known, _USUAL_OPSET)
    again = [kind for kind, one in tried.items() if "cannot write this model at opset" in one.error]
    tried |= _build(folder, again, {kind: tried[kind].task for kind in again}, known, _USUAL_OPSET + 1)
    return list(tried.values())


def _planned(folder: Path, kind: str, row: dict[str, Any]) -> Tried:
    """The task of a type, after its config.json is written; or why it has none."""
    import transformers

    from recipebuild.errors import RecipebuildError
    from recipebuild.toolkit.models.load import load

    place = folder / "models" / kind
    place.mkdir(parents=True, exist_ok=True)
    reasons = []
    for task in [row["task"]] if "task" in row else [name for name, row in TASKS.items() if row.auto_class]:
        auto = getattr(transformers, str(TASKS[task].auto_class))
        mapped = auto._model_mapping.get(transformers.CONFIG_MAPPING[kind], None)
        named = {"architectures": [mapped[0].__name__]} if isinstance(mapped, tuple) else {}
        config = {"model_type": kind, **named, **row["config"]}
        (place / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        try:
            load(place, task=task, weights="random", seed=0, features=row.get("features"))
        except RecipebuildError as error:
            reasons.append(_words(error.message))
            continue
        return Tried(kind, task)
    better = [reason for reason in reasons if "cannot do" not in reason]
    return Tried(kind, "", error=(better or reasons)[0])


def _build(
    folder: Path, kinds: Sequence[str], tasks: dict[str, str], known: dict[str, Any], opset: int
) -> dict[str, Tried]:
    recipes = []
    for kind in kinds:
        task, side = tasks[kind], known[kind].get("side", 64)
        features = {"features": known[kind].get("features")} if task == FEATURES else {}
        recipe = {
            "model": {"source": f"./models/{kind}", "task": task, "weights": "random", **features},
            "input": {"shape": [1, 3, side, side], "color": "RGB", "mean": [127.5] * 3, "std": [127.5] * 3},
            "export": {"opset": opset},
            "head": {"kind": "argmax" if task == SEGMENTATION else "none"},
            "calibration": {"source": "./images", "count": _IMAGES},
        }
        path = folder / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
        recipes.append(str(path))
    options = recipebuild.Options(
        build_dir=folder / "build", store=folder / "store", keep_going=True, until="compile", jobs=2
    )
    builds = recipebuild.run(recipes, options) if recipes else []
    return {kind: _became(kind, tasks[kind], opset, build) for kind, build in zip(kinds, builds, strict=True)}


def _became(kind: str, task: str, opset: int, build: Any) -> Tried:
    if build.error is not None:
        return Tried(kind, task, opset, error=_words(build.error.message))
    codes = sorted({rule["code"] for rule in build.manifest["rules"] if rule["step"] == "lint"})
    return Tried(kind, task, opset, codes)


def _words(message: str) -> str:
    """A message on one line, without what Markdown takes for a table."""
    return " ".join(message.split()).replace("|", "/")


def _draw_images(folder: Path) -> None:
    """A few images of smooth noise, the same each time."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(_IMAGES):
        small = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        small.resize((128, 128), Image.Resampling.BICUBIC).save(folder / f"{number}.png")


def with_rows(page: str, rows: Mapping[str, str]) -> str:
    """The page with these rows, by type, among those of its table, which is sorted by type."""
    lines = page.splitlines()
    start = lines.index(_HEAD) + 2
    end = next((at for at in range(start, len(lines)) if not lines[at].startswith("|")), len(lines))
    there = {line.split("`")[1]: line for line in lines[start:end]}
    return "\n".join([*lines[:start], *(row for _, row in sorted({**there, **rows}.items())), *lines[end:]]) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
