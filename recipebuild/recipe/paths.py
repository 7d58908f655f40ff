"""The paths in a recipe: made absolute where they are written, and looked for before anything is built.

A relative path is relative to the file that wrote it; on the command line, to the current folder.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from os.path import normpath
from pathlib import Path
from typing import Any

from recipebuild.facts.tasks import OTHER, TEXT
from recipebuild.recipe.calibration import split_glob
from recipebuild.recipe.model import BARE_WEIGHTS, CHECKPOINT, WEIGHT_FILES

FIELDS = (("model", "source"), ("model", "adapter"), ("calibration", "source"), ("evaluate", "dataset"))
INPUTS = ("inputs", "more_inputs")
"""Lists of inputs, of which those that are no images have a ``source``."""

TEXTS = (".txt", ".jsonl")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")
COMPRESSED = (".tar.gz", ".tgz")
"""Archives that take as long to list as to unpack."""


def absolute(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``data`` with its paths made absolute, those in its ``matrix`` too; values of a wrong type stay as they are."""
    for section, field in FIELDS:
        if isinstance(part := data.get(section), dict) and isinstance(value := part.get(field), str):
            data = {**data, section: {**part, field: _absolute(section, value, folder)}}
    for section in INPUTS:
        if isinstance(entries := data.get(section), list):
            data = {**data, section: [_tensors(each, folder) for each in entries]}
    matrix = data.get("matrix")
    if not isinstance(matrix, dict):
        return data
    axes = {name: [_choice(name, v, folder) for v in vs] if isinstance(vs, list) else vs for name, vs in matrix.items()}
    return {**data, "matrix": axes}


def _tensors(entry: Any, folder: Path) -> Any:
    if not isinstance(entry, dict) or not isinstance(source := entry.get("source"), str):
        return entry
    return {**entry, "source": _absolute("inputs", source, folder)}


def _choice(axis: str, value: Any, folder: Path) -> Any:
    """One value of a matrix axis: of a path field, or of a section that has one."""
    for section, field in FIELDS:
        if axis == f"{section}.{field}" and isinstance(value, str):
            return _absolute(section, value, folder)
        if axis == section and isinstance(value, dict):
            return absolute({section: value}, folder)[section]
    return value


def _absolute(section: str, value: str, folder: Path) -> str:
    if (
        not value
        or _URL.match(value)
        or value.startswith("hf:")
        or (section == "model" and not _is_path(value, folder))
    ):
        return value
    if value.startswith("~"):
        with contextlib.suppress(RuntimeError):  # no such user, no home: the path is then reported as missing
            value = str(Path(value).expanduser())
    # `folder` has no links in it, so that going up from it is a matter of names only.
    return normpath(value if value.startswith("/") else f"{folder}/{value}")


def _is_path(source: str, folder: Path) -> bool:
    """Whether a ``model.source`` is a folder or file here, and not a hub id."""
    if source.startswith(("./", "../", "/", "~")) or source in (".", "..") or source.endswith((".onnx", CHECKPOINT)):
        return True
    with contextlib.suppress(OSError):  # too long for a file's name
        return (folder / source).is_dir()
    return False


_RELATIVE = "paths are seen from the folder of the recipe that has them"


def _near(path: Path) -> str:
    """The file or folder beside ``path`` with the most similar name, in words; empty if there is none."""
    import difflib

    with contextlib.suppress(OSError):
        names = [each.name for each in path.parent.iterdir()]
        if close := difflib.get_close_matches(path.name, names, n=1):
            return f"did you mean {path.parent / close[0]}?"
    return ""


def _there(folder: Path) -> str:
    """What is in a folder where a pattern found nothing."""
    names = sorted(each.name for each in folder.iterdir())
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"there are {shown}; `**/` stands for any folders below" if names else "the folder is empty"


def missing(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str, str]]:
    """What is not there: field, message, remedy. ``data`` is a merged recipe; wrong types are passed over."""
    for section, field in FIELDS:
        value = part.get(field) if isinstance(part := data.get(section), dict) else None
        if isinstance(value, str) and section != "model" and _is_elsewhere(value):
            yield (section, field), *_elsewhere(value)
        if isinstance(value, str) and value.startswith("/"):
            try:
                fault = _dataset(value, data) if section == "evaluate" else CHECKS[section, field](value)
            except OSError as error:
                fault = (f"{value} cannot be read: {error.strerror}", "")
            if fault:
                yield (section, field), *fault


def missing_tensors(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, int, str], str, str]]:
    """The same of ``inputs`` and ``more_inputs``."""
    for section in INPUTS:
        entries = data.get(section)
        for at, entry in enumerate(entries if isinstance(entries, list) else ()):
            source = entry.get("source") if isinstance(entry, dict) else None
            if isinstance(source, str) and _is_elsewhere(source):
                yield (section, at, "source"), *_elsewhere(source)
            if not isinstance(source, str) or not source.startswith("/"):
                continue
            if fault := _texts(source) if entry.get("kind") == "tokens" else _tensor_source(source):
                yield (section, at, "source"), *fault


def _is_elsewhere(value: str) -> bool:
    return bool(_URL.match(value)) and not value.startswith("hf:")


def _elsewhere(url: str) -> tuple[str, str]:
    return f"{url} is not on this machine", "a build reads folders and archives here: download it first"


def _texts(source: str) -> tuple[str, str] | None:
    if Path(source).is_file() and source.lower().endswith(TEXTS):
        return None
    what, near = ("no file of texts: ", "") if Path(source).exists() else ("no such file: ", _near(Path(source)))
    return f"{what}{source}", near or 'a .txt with one text a line, or a .jsonl of {"text": "..."}'


def _tensor_source(source: str) -> tuple[str, str] | None:
    if Path(source).is_dir() or (Path(source).is_file() and source.lower().endswith(ARCHIVES)):
        return None
    what = "neither a folder nor an archive: " if Path(source).exists() else "no such folder: "
    return f"{what}{source}", "a folder of .npy, .npz or .bin files, or an archive of them (tar, tar.gz, zip)"


def _model(source: str) -> tuple[str, str] | None:
    path = Path(source)
    if source.endswith((".onnx", CHECKPOINT)):
        return None if path.is_file() else (f"no such file: {source}", _near(path) or _RELATIVE)
    if path.suffix.lower() in WEIGHT_FILES:
        return f"{source} is a bare weight file", BARE_WEIGHTS
    if not path.exists():
        hint = "a model from the hub is written owner/name, without a leading ./ or /"
        return f"no such folder: {source}", "\n".join(filter(None, (_near(path), hint)))
    if path.is_file():
        return f"{source} is a file that is not ONNX", "a model is a folder in Hugging Face layout, or a .onnx file"
    if (path / "adapter_config.json").is_file():
        return f"{source} is an adapter (LoRA), not a whole model", (
            "name the model that it was trained on here, and this folder in model.adapter"
        )
    if not (path / "config.json").is_file():
        return f"{source} has no config.json", "a model folder in Hugging Face layout has config.json and weights"
    return _config(path / "config.json")


def _config(path: Path) -> tuple[str, str] | None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return f"{path} is not JSON: {error}", "get the file again (in a git clone of a model: git lfs pull)"
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        like = 'it must be the config.json of a Hugging Face model, such as {"model_type": "segformer", ...}'
        return f"{path} names no model_type", like
    return None


def _calibration(source: str) -> tuple[str, str] | None:
    folder, pattern = split_glob(source)
    path = Path(folder)
    if pattern is not None:
        if not path.is_dir():
            return f"no such folder: {folder}", _near(path) or _RELATIVE
        if any(p.is_file() for p in path.glob(pattern)):
            return None
        return f"no file in {folder} matches {pattern}", _there(path)
    if not path.exists():
        hint = "a folder of images, an archive (tar, zip), or a glob pattern"
        return f"no such file or folder: {source}", "\n".join(filter(None, (_near(path), hint)))
    if not path.is_dir() and not source.lower().endswith(ARCHIVES):
        return f"{source} is neither a folder nor an archive", "archives end in " + ", ".join(ARCHIVES)
    return None


def _adapter(folder: str) -> tuple[str, str] | None:
    path = Path(folder)
    if not path.is_dir():
        return f"no such folder: {folder}", _near(path) or _RELATIVE
    if not (path / "adapter_config.json").is_file():
        return f"{folder} has no adapter_config.json", "peft writes it: model.save_pretrained(FOLDER)"
    return None


CHECKS = {("model", "source"): _model, ("model", "adapter"): _adapter, ("calibration", "source"): _calibration}

_FOLDERS = {
    "folders": ("images", "labels"),
    "cityscapes": ("leftImg8bit", "gtFine"),
    "ade20k": ("images", "annotations"),
    "depth": ("images", "depth"),
    "yolo": ("images", "labels"),
    "voc": ("JPEGImages", "Annotations"),
    "targets": ("images", "targets"),
}
"""What a dataset of each layout has in it."""


def _dataset(source: str, data: Mapping[str, Any]) -> tuple[str, str] | None:
    path, section, model = Path(source), data["evaluate"], data.get("model")
    if isinstance(model, dict) and model.get("task") == TEXT:
        return _texts(source)
    if not path.is_dir():
        hint = "a folder with images/ and labels/, or another evaluate.layout"
        return f"no such folder: {source}", "\n".join(filter(None, (_near(path), hint)))
    if isinstance(model, dict) and model.get("task") == OTHER:
        return None  # which has no labels
    layout = section.get("layout", "auto")
    there = {entry.name for entry in path.iterdir()}
    if layout == "auto":
        nested = any(entry.is_dir() and entry.name not in ("images", "labels") for entry in path.iterdir())
        if nested or {"images", "labels"} <= there:
            return None
        if there & {"dataset_info.json", "dataset_dict.json"}:
            return f"{source} is a folder of the library `datasets`", "evaluate.layout: datasets"
        layout = "folders"
    absent = [name for name in _FOLDERS.get(str(layout), ()) if name not in there]
    more = "; evaluate.layout: images does without labels" if absent and layout == "folders" else ""
    remedy = f"{' and '.join(_FOLDERS[layout])} are needed{more}" if absent else ""
    return (f"{source} has no folder {' and no folder '.join(absent)}", remedy) if absent else None
