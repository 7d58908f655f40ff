"""A model folder in Hugging Face layout: which files it takes, whether they are whole, copying them.

config.json                          architecture; must name a model_type
preprocessor_config.json             if there; what transformers 5 writes for models with a tokenizer, too:
processor_config.json                  its image_processor goes before the other file
model.safetensors                    weights, or in several files:
model.safetensors.index.json           which tensor is in which file
model-00001-of-00002.safetensors ...
pytorch_model.bin (+ index, parts)   pickled weights: only if allowed, and if there are no safetensors
"""

from __future__ import annotations

import json
import pickle  # its opcodes only
import re
import shutil
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError, reason

CONFIG = "config.json"
_PREPROCESSOR = "preprocessor_config.json"
_PROCESSOR = "processor_config.json"
DESCRIBING = (_PREPROCESSOR, _PROCESSOR)
"""Files that say how images are prepared."""
_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip
_SAFETENSORS, _PICKLE = "model.safetensors", "pytorch_model.bin"
_NEEDED = "model.source must be a folder in Hugging Face layout: config.json and model.safetensors"
_AGAIN = "get the file again (in a git clone of a model: git lfs pull)"


def weight_files(names: Collection[str]) -> list[str]:
    """Those of ``names`` that hold the weights, sorted: safetensors if there are any, else pickles, else none."""
    for single in (_SAFETENSORS, _PICKLE):
        stem, _, suffix = single.rpartition(".")
        if single in names:
            return [single]
        if (index := f"{single}.index.json") in names:
            part = re.compile(rf"{re.escape(stem)}-\d+-of-\d+\.{suffix}")
            return [*sorted(name for name in names if part.fullmatch(name)), index]
    return []


def tokenizer_files(names: Collection[str]) -> list[str]:
    """Those of ``names`` that a tokenizer is made of."""
    return [name for name in _TOKENIZER if name in names]


def needed_files(names: Collection[str], *, allow_pickle: bool, where: str, tokenizer: bool = False) -> list[str]:
    """The files that a build needs out of ``names``, the names of a folder's files.

    Args:
        names: Names relative to the folder.
        allow_pickle: Whether pickled weights will do where there are no safetensors.
        where: The folder or the hub id, for error messages.
        tokenizer: Whether its tokenizer is needed, too.

    Raises:
        StepError: If there is no config.json, there are no weights, or they are pickled and that is not allowed.
    """
    if CONFIG not in names:
        raise StepError(f"{where} has no {CONFIG}", field="model.source", remedy=_NEEDED)
    weights = weight_files(names)
    if not weights:
        raise StepError(f"{where} has no weights: no {_SAFETENSORS}", field="model.source", remedy=_NEEDED)
    if weights[0].startswith(Path(_PICKLE).stem) and not allow_pickle:
        raise StepError(
            f"{where} has only pickled weights ({weights[0]}), which can run code when read",
            field="model.source",
            remedy="set model.allow_pickle: true if you trust it (it is read with weights_only), or name a "
            "model.revision or a folder that has model.safetensors",
        )
    more = tokenizer_files(names) if tokenizer else []
    return [CONFIG, *(name for name in DESCRIBING if name in names), *more, *weights]


def check_folder(folder: Path, *, allow_pickle: bool, where: str, tokenizer: bool = False) -> list[str]:
    """The files of the model folder ``folder`` that a build needs, each found to be there and whole.

    Raises:
        StepError: If a file is missing, damaged or cut short, or the weights are pickled and that is not allowed.
    """
    files = needed_files(file_names(folder), allow_pickle=allow_pickle, where=where, tokenizer=tokenizer)
    read_config(folder / CONFIG)
    for name in files:
        if name.endswith(".safetensors"):
            _check_safetensors(folder / name)
        elif name.endswith(".bin"):
            _check_pickle(folder / name)
        elif name.endswith(".index.json"):
            _check_index(folder / name, files)
    return files


def copy_files(files: Collection[str], source: Path, out: Path) -> None:
    """Copy ``files`` from the folder ``source`` into the folder ``out``, which must not exist yet."""
    out.mkdir()
    for name in files:
        shutil.copyfile(source / name, out / name)


def file_names(folder: Path) -> set[str]:
    """The names of the files that lie in ``folder`` itself."""
    return {path.name for path in folder.iterdir() if path.is_file()}


def read_preprocessing(folder: Path) -> tuple[str, dict[str, Any]] | None:
    """The file of the model folder that says how images are prepared, and what it says; ``None`` if there is none.

    As in transformers, the ``image_processor`` of a processor_config.json goes before a preprocessor_config.json.

    Raises:
        StepError: If one of these files is not a JSON object.
    """
    if (path := folder / _PROCESSOR).is_file():
        settings = _read_json(path).get("image_processor")
        if isinstance(settings, dict):
            return _PROCESSOR, settings
    if (path := folder / _PREPROCESSOR).is_file():
        return _PREPROCESSOR, _read_json(path)
    return None


def read_config(path: Path) -> dict[str, Any]:
    """The content of the ``config.json`` at ``path``.

    Raises:
        StepError: If it is not there, not a JSON object, or names no ``model_type``.
    """
    if not path.is_file():
        raise StepError(f"{path.parent} has no {CONFIG}", field="model.source", remedy=_NEEDED)
    config = _read_json(path)
    if not isinstance(config.get("model_type"), str):
        raise StepError(
            f"{path} names no model_type",
            field="model.source",
            remedy='it must be the config.json of a Hugging Face model, such as {"model_type": "segformer", ...}',
        )
    return config


def write_config(config: dict[str, Any], out: Path) -> None:
    """Write ``config`` as the ``config.json`` of the folder ``out``, which must not exist yet."""
    out.mkdir()
    (out / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _check_safetensors(path: Path) -> None:
    """Open ``path``, which compares the header with the size of the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as tensors:
            tensors.keys()
    except (SafetensorError, OSError) as error:
        raise StepError(
            f"{path} is damaged or cut short: {reason(error)}", field="model.source", remedy=_AGAIN
        ) from error


def _check_pickle(path: Path) -> None:
    """Find, without reading it, that ``path`` is what torch.save writes: a whole zip, or before torch 1.6 a pickle."""
    with path.open("rb") as file:
        is_pickle = file.read(1) == pickle.PROTO
    if not is_pickle and not zipfile.is_zipfile(path):
        raise StepError(
            f"{path} is damaged or cut short: torch.save writes no such file", field="model.source", remedy=_AGAIN
        )


def _check_index(path: Path, files: Collection[str]) -> None:
    index = _read_json(path)
    for part in ("metadata", "weight_map"):  # transformers needs both
        if not isinstance(index.get(part), dict):
            raise StepError(f"{path} has no {part}", field="model.source", remedy=_AGAIN)
    weight_map = index["weight_map"]
    missing = sorted({str(name) for name in weight_map.values()} - set(files))
    if missing:
        raise StepError(
            f"{path.parent} lacks {missing[0]}, which {path.name} names",
            field="model.source",
            remedy="get the missing file",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StepError(f"{path} is not JSON: {reason(error)}", field="model.source", remedy=_AGAIN) from error
    if not isinstance(content, dict):
        raise StepError(f"{path} is not a JSON object", field="model.source", remedy=_AGAIN)
    return content
