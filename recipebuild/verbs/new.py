"""``new``: the recipe for a model, filled in from the model's own files, with where each value comes from."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.files import write_text
from recipebuild.recipe.emit import to_yaml
from recipebuild.recipe.load import load
from recipebuild.recipe.paths import FIELDS
from recipebuild.recipe.section import NAME
from recipebuild.recipe.settings import setting
from recipebuild.verbs.draft import tensors
from recipebuild.verbs.draft.facts import Fact, Facts
from recipebuild.verbs.draft.source import SourceModel, look

STREETS = "base/drawn-streets"
"""The shipped recipe that brings a calibration set to try builds with."""

_COLUMN = 56
"""Lines that are longer than this have their comments further right."""

_ORDER = (
    "model",
    "inputs",
    "input",
    "more_inputs",
    "export",
    "head",
    "detector",
    "calibration",
    "evaluate",
    "quantization",
    "target",
)


@dataclass(frozen=True)
class Draft:
    """A recipe made for a model.

    Attributes:
        text: The recipe file.
        facts: Its fields, each with where its value comes from.
        notes: Sentences for the user.
        path: Where it was written; ``None`` if it was not.
    """

    text: str
    facts: Facts
    notes: Sequence[str] = ()
    path: Path | None = None

    @property
    def open(self) -> dict[str, str]:
        """What somebody should look at: by field, why it could not be known."""
        return {name: fact.why for name, fact in self.facts.items() if not fact.sure}

    def as_json(self) -> dict[str, Any]:
        """What ``new --json`` prints."""
        values = {name: {"value": fact.value, "why": fact.why, "sure": fact.sure} for name, fact in self.facts.items()}
        path = str(self.path) if self.path else None
        return {"recipe": self.text, "path": path, "values": values, "fill_in": self.open, "notes": list(self.notes)}


def new(
    source: str,
    output: Path | None = None,
    *,
    revision: str | None = None,
    sets: Sequence[str] = (),
    random: bool = False,
    force: bool = False,
) -> Draft:
    """Draft the recipe for a model; it passes ``check``.

    Args:
        source: A hub id, a folder in Hugging Face layout, or an ONNX file.
        output: The recipe to write; ``None`` to write none.
        revision: Commit, branch or tag of a hub id; what it is now is pinned.
        sets: ``a.b=value``: values that win over what the model's files say; paths are relative to the current folder.
        random: Take the architecture of a hub id from what is known here, and ask no hub.
        force: Overwrite ``output``.

    Raises:
        RecipeError: If there is no such model, no recipe can be made for it, ``output`` is there already, or a value
            of ``sets`` is wrong.
        StepError: If the model's files are damaged.
        MissingError: If the hub cannot be reached, or has no such model.
    """
    check_free(output, force=force)
    return write(draft(find(source, revision=revision, sets=sets, random=random), output, sets), output)


def check_free(output: Path | None, *, force: bool) -> None:
    """Find that ``output`` may be written.

    Raises:
        RecipeError: If it is there already.
    """
    if output and output.exists() and not force:
        raise RecipeError(
            f"{output} already exists", remedy="choose another file with -o, or overwrite it with --force"
        )


def find(source: str, *, revision: str | None, sets: Sequence[str], random: bool) -> SourceModel:
    """Look at a model; arguments and errors as of ``new``."""
    task = dict(_set_fields(sets)).get("model.task")
    return look(source, revision=revision, task=str(task) if task else None, random=random, cwd=Path.cwd())


def draft(model: SourceModel, output: Path | None, sets: Sequence[str]) -> Draft:
    """The recipe for a model that was found, to be written to ``output``, with ``sets`` on top.

    Raises:
        RecipeError: If a value of ``sets`` is wrong.
    """
    facts, sets = _with_samples(model.facts, sets)
    name = output.stem if output else model.name
    if not re.fullmatch(NAME, name):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "model"
        facts = {"name": Fact(name, "the file's own name cannot be the name of a build"), **facts}
    _check(_text(model, facts, None), facts, name, sets)
    for field, value in _set_fields(sets):
        if field == "head.kind":
            facts = {key: fact for key, fact in facts.items() if not key.startswith("head.")}
        facts[field] = Fact(value, "given on the command line")
    folder = (output or Path("recipe.yaml")).absolute().parent
    return Draft(_text(model, facts, folder), facts, [*model.notes, *_calibration_note(facts)])


def _with_samples(facts: Facts, sets: Sequence[str]) -> tuple[dict[str, Fact], Sequence[str]]:
    """The facts with the sources of several inputs, and ``sets`` without what is among the facts now."""
    named = dict(_set_fields(sets)).get("calibration.source")
    filled = tensors.with_sources(facts, str(named) if named else None)
    if not named or ("inputs" not in facts and "calibration.source" not in filled):
        return filled, sets
    return filled, [option for option in sets if not option.startswith("calibration.source=")]


def write(made: Draft, output: Path | None) -> Draft:
    """Write a draft to ``output``, whole or not at all, in a folder that is made if it is not there.

    Raises:
        RecipeError: If that cannot be written.
    """
    if output is None:
        return made
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_text(output, made.text)
    except OSError as error:
        raise RecipeError(
            f"{output} cannot be written: {error.strerror}", remedy="choose another file with -o"
        ) from None
    return Draft(made.text, made.facts, made.notes, output)


def _check(text: str, facts: Facts, name: str, sets: Sequence[str]) -> None:
    """Load the recipe with the values that were given on top, so that what is wrong with them is told as anywhere."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        tensors.make_open(facts, Path(folder))
        load(str(path), sets=sets, cwd=Path.cwd())


def _set_fields(sets: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The fields that ``--set`` options set, one by one; paths are absolute."""

    def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                yield from leaves(inner, f"{path}.{key}".lstrip("."))
        else:
            yield path, value

    for option in sets:
        yield from leaves(setting(option, Path.cwd()).data, "")


def _text(model: SourceModel, facts: Facts, folder: Path | None) -> str:
    """The recipe file; its paths are relative to ``folder``, or absolute if that is ``None``."""
    has_images = "calibration.source" in facts or "inputs" in facts
    bases = [*([model.base] if model.base else []), *([] if has_images else [STREETS])]
    shown = {name: fact for name, fact in facts.items() if not (model.base and name.startswith("export."))}
    values: dict[str, Any] = {"extends": [f"{base}.yaml" for base in bases]} if bases else {}
    comments = {"extends": "what such models share, and drawn streets to calibrate with"}
    if len(bases) == 1:
        comments["extends"] = "what such models share" if model.base else "drawn streets to calibrate with"
    if "name" in shown:
        values["name"], comments["name"] = shown["name"].value, shown["name"].why
    for section in _ORDER:
        inside = {name: fact for name, fact in shown.items() if f"{name}.".startswith(f"{section}.")}
        for name, fact in sorted(inside.items(), key=lambda item: not item[0].endswith(".source")):
            _put(values, name.split("."), _relative(name, fact.value, folder))
            comments[name] = fact.why if fact.sure else f"look at this: {fact.why}"
    others = {name: fact for name, fact in shown.items() if name.partition(".")[0] not in (*_ORDER, "name")}
    for name, fact in others.items():
        _put(values, name.split("."), fact.value)
        comments[name] = fact.why
    top = [f"Drafted by recipebuild new for {model.name}; comments say where each value comes from."]
    if not has_images:
        top.append("To calibrate with images of your own: calibration: {source: ./images, count: 32}")
    return "".join(f"# {line}\n" for line in top) + _aligned(to_yaml(values, comments))


def _aligned(text: str) -> str:
    """The text with its comments in one column, as far as lines are short enough."""
    parts = [line.rpartition("   # ") for line in text.splitlines()]
    column = max((len(code) for code, mark, _ in parts if mark and len(code) <= _COLUMN), default=0)
    return "".join(f"{code.ljust(column)}   # {remark}\n" if mark else f"{remark}\n" for code, mark, remark in parts)


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
    values[path[-1]] = value


def _relative(field: str, value: Any, folder: Path | None) -> Any:
    """A path as the recipe in ``folder`` names it."""
    if field in tensors.SECTIONS:
        return [{**entry, "source": _relative("calibration.source", entry["source"], folder)} for entry in value]
    if folder is None or tuple(field.split(".")) not in FIELDS or not str(value).startswith("/"):
        return value
    path = os.path.relpath(value, folder)
    return path if path.startswith("..") else f"./{path}"


def _calibration_note(facts: Mapping[str, Fact]) -> list[str]:
    if "inputs" in facts:
        if not any(tensors.is_open(entry["source"]) for entry in facts["inputs"].value):
            return []
        if facts["inputs"].value[0]["kind"] == "tokens":
            return ["note: no texts were named: --calibration FILE names a .txt with one a line, or a .jsonl"]
        return [
            "note: no calibration samples were found: a .npy file for each goes to the folder of each input; "
            "--calibration FOLDER names one that has a folder for each"
        ]
    if "calibration.source" in facts:
        return []
    return [
        "note: without --calibration FOLDER the recipe calibrates on drawn streets, "
        "which are only good enough to try a build"
    ]
