"""Tries every family of models: ``python -m scripts.families FOLDER`` writes docs/families.md.

Each type of model that transformers' Auto classes for our tasks have is built small, with random weights, verified and
quantized; what became of it is a row. It takes an hour on two cores, after `make setup` and `pip install scipy timm`,
which models of masks and those of timm need. Types after FOLDER are tried alone; what was built before is kept in
FOLDER.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

import recipebuild
from recipebuild.errors import RecipebuildError
from recipebuild.facts.tasks import FEATURES, SEGMENTATION, TASKS, TEXT
from recipebuild.toolkit.graph.files import load as load_graph
from recipebuild.toolkit.pulsar2.lint import lint

PAGE = Path(__file__).resolve().parents[2] / "docs" / "families.md"
CONFIGS = Path(__file__).with_name("configs.yaml")
_HEAD = "| model_type | task | result | note |"
_OPSET = 18
"""What `recipebuild new` writes for a model of no known family."""
_OF_IMAGES = (*(name for name, task in TASKS.items() if task.auto_class and name not in (FEATURES, TEXT)), FEATURES)
"""Features are what a type is tried for last: most can give them."""
_IMAGES = 4
_LENGTH = 16
_WORDS = ("a", "cat", "dog", "runs", "sleeps", "on", "the", "street")
_AT_ONCE = 6


@dataclass(frozen=True)
class Tried:
    """What became of one type.

    Attributes:
        kind: The ``model_type``.
        task: What was built of it; empty if it can do nothing of ours.
        warnings: Codes of what there is to say about it on AX650, and of which operators.
        error: Why it was refused; empty if it was built.
    """

    kind: str
    task: str
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    error: str = ""

    @property
    def row(self) -> str:
        """The line of the table."""
        notes = [f"[{code}](rules.md#{code.lower()}) {' '.join(of)}" for code, of in sorted(self.warnings.items())]
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
    _write_texts(folder / "texts.txt")
    known = types()
    chosen = kinds or sorted(known)
    for start in range(0, len(chosen), _AT_ONCE):
        tried = _tried(folder, chosen[start : start + _AT_ONCE], known)
        page = with_rows(PAGE.read_text(encoding="utf-8"), {one.kind: one.row for one in tried})
        PAGE.write_text(page, encoding="utf-8")


def _tried(folder: Path, kinds: Sequence[str], known: dict[str, dict[str, Any]]) -> list[Tried]:
    """What became of some types."""
    tried = {kind: _planned(folder, kind, known[kind]) for kind in kinds}
    able = {kind: one.task for kind, one in tried.items() if not one.error}
    return list({**tried, **_build(folder, able, known)}.values())


def _planned(folder: Path, kind: str, row: dict[str, Any]) -> Tried:
    """The task of a type, after its config.json is written; or why it has none."""
    import transformers

    from recipebuild.toolkit.models.load import load

    place = folder / "models" / kind
    place.mkdir(parents=True, exist_ok=True)
    reasons = []
    for task in [row["task"]] if "task" in row else _OF_IMAGES:
        auto = getattr(transformers, str(TASKS[task].auto_class))
        mapped = auto._model_mapping.get(transformers.CONFIG_MAPPING[kind], None)
        named = {"architectures": [mapped[0].__name__]} if isinstance(mapped, tuple) else {}
        config = {"model_type": kind, **named, **row["config"]}
        (place / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        if task == TEXT:
            _write_tokenizer(place)
        try:
            module = load(place, task=task, weights="random", seed=0, features=row.get("features"))
        except RecipebuildError as error:
            reasons.append(_words(error))
            continue
        if "spread" in row:
            _write_weights(module.model, place, row["spread"])
        return Tried(kind, task)
    better = [reason for reason in reasons if "cannot do" not in reason]
    return Tried(kind, "", error=(better or reasons)[0])


def _build(folder: Path, tasks: Mapping[str, str], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Tried]:
    """What became of types with a task each."""
    recipes = []
    for kind, task in tasks.items():
        path = folder / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(_recipe(kind, task, known[kind])), encoding="utf-8")
        recipes.append(str(path))
    options = recipebuild.Options(
        build_dir=folder / "build", store=folder / "store", keep_going=True, until="compile", jobs=2
    )
    builds = recipebuild.run(recipes, options) if recipes else []
    return {kind: _became(kind, task, build) for (kind, task), build in zip(tasks.items(), builds, strict=True)}


def _recipe(kind: str, task: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe that a type is built by, beside the folder of images and the file of texts."""
    side = row.get("side", 64)
    features = {"features": row.get("features")} if task in (FEATURES, TEXT) else {}
    if task == TEXT:
        tokens = {"kind": "tokens", "length": _LENGTH, "source": "./texts.txt"}
        inputs: dict[str, Any] = {"inputs": [{**tokens, **({"names": row["names"]} if "names" in row else {})}]}
    else:
        inputs = {"input": {"shape": [1, 3, side, side], "color": "RGB", "mean": [127.5] * 3, "std": [127.5] * 3}}
    return {
        "model": {
            "source": f"./models/{kind}",
            "task": task,
            "weights": "pretrained" if "spread" in row else "random",
            **features,
        },
        **inputs,
        "export": {"opset": _OPSET},
        "head": {"kind": "argmax" if task == SEGMENTATION else "none"},
        "calibration": {**({} if task == TEXT else {"source": "./images"}), "count": _IMAGES},
    }


def _became(kind: str, task: str, build: Any) -> Tried:
    if build.error is not None:
        return Tried(kind, task, error=_words(build.error))
    warnings: dict[str, set[str]] = {}
    for finding in lint(load_graph(build.folder / "model.onnx", weights=False), "AX650"):
        warnings.setdefault(finding.code, set()).add(finding.operator)
    return Tried(kind, task, {code: sorted(operators) for code, operators in warnings.items()})


def _words(error: RecipebuildError) -> str:
    """What went wrong and what to do, on one line, without what Markdown takes for a table."""
    sentences = [error.message, *([error.remedy] if error.remedy else [])]
    return " ".join("; ".join(sentences).split()).replace("|", "/")


def _draw_images(folder: Path) -> None:
    """A few images of smooth noise, the same each time."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(_IMAGES):
        small = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        small.resize((128, 128), Image.Resampling.BICUBIC).save(folder / f"{number}.png")


def _write_texts(path: Path) -> None:
    """A few texts, one longer than the other."""
    path.write_text("\n".join(" ".join(_WORDS[: 3 + at]) for at in range(_IMAGES)) + "\n", encoding="utf-8")


def _write_weights(model: Any, folder: Path, spread: float) -> None:
    """Weights further from each other than those that a training begins with, which give all places the same score."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)


def _write_tokenizer(folder: Path) -> None:
    """A tokenizer of whole words, with one to begin a text, one to end it and one to fill it up."""
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "[UNK]"}
    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: at for at, word in enumerate([*special.values(), *_WORDS])}, "[UNK]")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.post_processor = tokenizers.processors.TemplateProcessing(
        "[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)]
    )
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)


def with_rows(page: str, rows: Mapping[str, str]) -> str:
    """The page with these rows, by type, among those of its table, which is sorted by type."""
    lines = page.splitlines()
    start = lines.index(_HEAD) + 2
    end = next((at for at in range(start, len(lines)) if not lines[at].startswith("|")), len(lines))
    there = {line.split("`")[1]: line for line in lines[start:end]}
    return "\n".join([*lines[:start], *(row for _, row in sorted({**there, **rows}.items())), *lines[end:]]) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
