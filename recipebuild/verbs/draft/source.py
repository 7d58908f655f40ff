"""What there is at a hub id, in a folder or in an ONNX file, and the fields of a recipe that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recipebuild.errors import MissingError, RecipeError, StepError
from recipebuild.facts.tasks import TEXT
from recipebuild.recipe.model import BARE_WEIGHTS, HUB_ID, HUB_PAGE, WEIGHT_FILES
from recipebuild.resources import shipped
from recipebuild.toolkit.models.checkpoint import (
    CONFIG,
    file_names,
    read_config,
    read_preprocessing,
    weight_files,
)
from recipebuild.toolkit.models.families import base_of, config_for, known_ids
from recipebuild.toolkit.models.fetch import look_up
from recipebuild.toolkit.models.original_segformer import SUFFIX
from recipebuild.toolkit.models.original_segformer import read as read_original
from recipebuild.verbs.draft import checkpoint, onnxfile, text
from recipebuild.verbs.draft.facts import Fact


@dataclass(frozen=True)
class SourceModel:
    """A model that a recipe can be drafted for.

    Attributes:
        name: What to call it: the last part of its hub id, its folder's or its file's name.
        facts: The fields that are known, by name; paths are absolute.
        base: The shipped recipe that such models share, with its task; ``None`` if there is none.
        notes: Sentences for the user.
        pickled: Whether its weights are there only as pickles.
    """

    name: str
    facts: Mapping[str, Fact]
    base: str | None = None
    notes: list[str] = field(default_factory=list)
    pickled: bool = False


def look(source: str, *, revision: str | None, task: str | None, random: bool, cwd: Path) -> SourceModel:
    """Look at a model; of one on the hub, config.json and preprocessor_config.json are fetched and no weights.

    Args:
        source: A hub id or the address of its page, a folder in Hugging Face layout, or an ONNX file.
        revision: Of a hub id.
        task: What it is for, if that was said.
        random: Take the architecture of a hub id from what is known here, and ask no hub.
        cwd: The current folder, absolute.

    Raises:
        RecipeError: If there is no such folder or file, or no recipe can be made for the model.
        StepError: If its files are damaged.
        MissingError: If the hub cannot be reached or has no such model.
    """
    if page := HUB_PAGE.match(source):
        source, revision = page[1], revision or page[2]
    path = (cwd / Path(source).expanduser()).absolute()
    _check_utf8(str(path))
    if path.suffix == SUFFIX and path.is_file():
        return _checkpoint(path, task)
    if path.suffix.lower() in WEIGHT_FILES:
        raise RecipeError(f"{source} is a bare weight file", remedy=BARE_WEIGHTS)
    if path.is_dir():
        return _folder(source, path, task)
    if path.is_file():
        return _file(source, path, task)
    if not HUB_ID.fullmatch(source) or source.endswith((".onnx", ".json", ".yaml")) or source.count("/") > 1:
        raise RecipeError(
            f"there is no folder or file {source}",
            remedy="name a folder with config.json, an .onnx file, or a model of the Hugging Face hub: owner/name",
        )
    return _known(source, task) if random else _hub(source, revision, task)


def _check_utf8(path: str) -> None:
    """Find that a recipe can name the model's path, which may have any bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = path.encode(errors="backslashreplace").decode()
        raise RecipeError(f"{shown} has bytes that are no UTF-8", remedy="rename it: recipes are UTF-8 text") from None


def _folder(source: str, path: Path, task: str | None) -> SourceModel:
    names = file_names(path)
    if CONFIG not in names and (path / "adapter_config.json").is_file():
        raise RecipeError(
            f"{source} is an adapter (LoRA), not a whole model",
            remedy="name the model that it was trained on, and this folder with --set model.adapter="
            f"{source.rstrip('/')}",
        )
    if CONFIG not in names:
        graphs = sorted(name for name in names if name.endswith(".onnx"))
        raise RecipeError(
            f"{source} has no {CONFIG}",
            remedy=f"name the model in it: {source.rstrip('/')}/{graphs[0]}"
            if graphs
            else "a model folder in Hugging Face layout has config.json, preprocessor_config.json and weights",
        )
    config = read_config(path / CONFIG)
    settings = _preprocessor(path)
    where = Fact(str(path), "a folder in Hugging Face layout")
    model = _described(path.name, where, config, settings, names, task)
    if model.facts["model.task"].value == TEXT and (pooled := text.pooling(path)):
        model = replace(model, facts={**model.facts, **pooled})
    return model


def _file(source: str, path: Path, task: str | None) -> SourceModel:
    if path.suffix.lower() != ".onnx":
        raise RecipeError(
            f"{source} is a file that is not ONNX",
            remedy="name a folder with config.json, an .onnx file, or a model of the Hugging Face hub: owner/name",
        )
    facts = {
        "model.source": Fact(str(path), "an ONNX file"),
        **onnxfile.facts(path, _preprocessor(path.parent), task),
    }
    return SourceModel(path.stem, facts, notes=_unfit(path))


def _unfit(path: Path) -> list[str]:
    """Why no build can begin with the ONNX file at ``path``, as ``check`` would say it."""
    from recipebuild.toolkit.graph.source import check_source

    try:
        check_source(path)
    except StepError as error:
        return [f"warning: {error.text}", *(f"  {line}" for line in error.remedy.splitlines())]
    return []


def _checkpoint(path: Path, task: str | None) -> SourceModel:
    config, _ = read_original(path)
    model = _described(path.stem, Fact(str(path), "a checkpoint of SegFormer's authors"), config, None, {CONFIG}, task)
    why = "torch reads the file with weights_only, which runs nothing in it"
    return SourceModel(model.name, {**model.facts, "model.allow_pickle": Fact(True, why)}, model.base)


def _known(hub_id: str, task: str | None) -> SourceModel:
    config = config_for(hub_id)
    if config is None:
        raise RecipeError(
            f"{hub_id} is not of a known family, and with --weights random nothing is downloaded",
            remedy=f"known without a download: {', '.join(known_ids())}",
        )
    model = _described(hub_id, Fact(hub_id, "on the Hugging Face hub"), config, None, {CONFIG}, task)
    facts = {**model.facts, "model.weights": Fact("random", "the architecture only; given on the command line")}
    base = _base_values(model.base) if model.base else {}
    for name, why in (("color", "the colours"), ("mean", "the mean"), ("std", "the deviation")):
        if (value := base.get("input", {}).get(name)) is not None:
            facts[f"input.{name}"] = Fact(value, f"{why} of {model.base}.yaml")
    return SourceModel(model.name, facts, model.base)


def _hub(hub_id: str, revision: str | None, task: str | None) -> SourceModel:
    try:
        listing = look_up(hub_id, revision)
    except MissingError as error:
        remedy = "\n".join([error.remedy, *_ready(hub_id)])
        raise MissingError(error.text, field=error.field, remedy=remedy) from error
    config = read_config(listing.folder / CONFIG)
    where = Fact(hub_id, "on the Hugging Face hub")
    model = _described(hub_id, where, config, _preprocessor(listing.folder), listing.names, task)
    pinned = Fact(listing.commit, f"the commit of {revision or 'main'} when this was written")
    facts = {"model.source": model.facts["model.source"], "model.revision": pinned, **model.facts}
    return SourceModel(model.name, facts, model.base, model.notes, model.pickled)


def _described(
    name: str, where: Fact, config: Mapping[str, Any], settings: Mapping[str, Any] | None, names: Collection[str],
    task: str | None,
) -> SourceModel:  # fmt: skip
    """A model in Hugging Face layout."""
    base = base_of(config["model_type"])
    short = name.rpartition("/")[2]
    known = base is not None and _base_values(base)["model"].get("task") != TEXT
    facts = {"model.source": where, **checkpoint.facts(config, settings, short, known=known, task=task)}
    if base and _base_values(base)["model"].get("task") != facts["model.task"].value:
        base = None
    if base is None:
        facts["export.opset"] = Fact(18, "PyTorch's native opset; only some models convert to lower ones")
    weights = weight_files(names)
    pickled = bool(weights) and weights[0].startswith("pytorch_model")
    notes = []
    if pickled:
        notes.append(
            f"note: its weights are pickled ({weights[0]}), which can run code when read; model.allow_pickle: true "
            "takes them"
        )
    elif not weights and where.value.startswith("/"):
        notes.append("note: the folder has no weights (model.safetensors): it builds with --weights random only")
    return SourceModel(short, facts, base, notes, pickled)


def _preprocessor(folder: Path) -> Mapping[str, Any] | None:
    described = read_preprocessing(folder)
    return described[1] if described else None


def _base_values(base: str) -> Mapping[str, Any]:
    import yaml

    values: Mapping[str, Any] = yaml.safe_load((shipped("recipes") / f"{base}.yaml").read_text(encoding="utf-8"))
    return values


def _ready(hub_id: str) -> list[str]:
    """What there is without the hub: a shipped recipe for that very model, and its architecture."""
    lines = []
    for path in sorted(shipped("recipes").glob("*.yaml")):
        if f"source: {hub_id}" in path.read_text(encoding="utf-8").replace("}", "\n").split("input:")[0]:
            lines.append(f"  - take the shipped recipe for it: recipebuild run {path.stem}")
            break
    return lines
