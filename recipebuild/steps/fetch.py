"""fetch: the model, from the hub, a folder or an ONNX file, or only its architecture.

Inputs: source (a folder in HF layout, an .onnx or a .pth file; none for a hub id), adapter (of LoRA, optional).
Outputs: model/ (config.json, preprocessor_config.json if there, the weights), or model.onnx (and model.onnx.data).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.errors import RecipeError
from recipebuild.figures.fetched import Fetched
from recipebuild.figures.values import as_json
from recipebuild.toolkit.graph.cut import cut
from recipebuild.toolkit.graph.source import copy_onnx
from recipebuild.toolkit.models.adapter import merge_adapter
from recipebuild.toolkit.models.checkpoint import (
    CONFIG,
    check_folder,
    copy_files,
    file_names,
    read_config,
    tokenizer_files,
    write_config,
)
from recipebuild.toolkit.models.families import config_for, known_ids
from recipebuild.toolkit.models.fetch import snapshot
from recipebuild.toolkit.models.original_segformer import SUFFIX, read

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """What to fetch.

    Attributes:
        hub_id: ``owner/name`` on the Hugging Face hub; ``None`` if there is an input ``source``.
        revision: Commit, branch or tag on the hub.
        weights: ``random`` fetches the architecture only, and never uses the network.
        allow_pickle: Whether pickled weights will do where there are no safetensors.
        quantized: Whether an ONNX file may be quantized already.
        outputs: Of an ONNX file: the tensors at which it is cut; empty for its own outputs.
        tokenizer: Whether the files of its tokenizer are needed, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub_id: str | None = None
    revision: str | None = None
    weights: Literal["pretrained", "random"] = "pretrained"
    allow_pickle: bool = False
    quantized: bool = False
    outputs: tuple[str, ...] = ()
    tokenizer: bool = False


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Fetch the model into ``out``.

    Returns:
        ``origin`` (hub, family, folder, checkpoint or onnx), ``bytes`` in all, and the ``commit`` of one from the hub.
    """
    source = inputs.get("source")
    commit: str | None = None
    if source is None:
        commit = _from_hub(params, out / "model", progress)
        origin = "hub" if commit else "family"
    elif source.is_dir():
        _from_folder(source, params, out / "model")
        origin = "folder"
    elif source.suffix == SUFFIX:
        _from_checkpoint(source, params, out / "model")
        origin = "checkpoint"
    else:
        _from_onnx(source, params, out / "model.onnx")
        origin = "onnx"
    if "adapter" in inputs:
        _adapt(out / "model", inputs["adapter"], params, origin)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    logger.info("model from %s, %d bytes", origin, size)
    return as_json(Fetched(origin=origin, commit=commit, bytes=size))


def _adapt(model: Path, adapter: Path, params: Params, origin: str) -> None:
    if origin == "onnx" or params.weights == "random":
        lack = "an ONNX file has none" if origin == "onnx" else "these are random"
        raise RecipeError(
            f"an adapter changes trained weights, and {lack}",
            field="model.adapter",
            remedy="leave it out, or name a model folder or a hub id with weights: pretrained",
        )
    changed = merge_adapter(model, adapter)
    logger.info("adapter merged into %d modules", changed)


def _from_hub(params: Params, model: Path, progress: Progress) -> str | None:
    """Fetch a hub model; give its commit, or ``None`` for random weights, which need only a known architecture."""
    if params.hub_id is None:
        raise RecipeError("model.source names no model", remedy="give a hub id, a folder or an .onnx file")
    if params.weights == "random":
        write_config(_known_config(params.hub_id), model)
        return None
    fetched = snapshot(
        params.hub_id,
        params.revision,
        allow_pickle=params.allow_pickle,
        progress=progress,
        tokenizer=params.tokenizer,
    )
    where = f"{params.hub_id} at {fetched.commit}"
    files = check_folder(fetched.folder, allow_pickle=params.allow_pickle, where=where, tokenizer=params.tokenizer)
    copy_files(files, fetched.folder, model)
    return fetched.commit


def _from_folder(source: Path, params: Params, model: Path) -> None:
    if params.weights == "random":
        read_config(source / CONFIG)
        files = [CONFIG, *(tokenizer_files(file_names(source)) if params.tokenizer else ())]
    else:
        files = check_folder(source, allow_pickle=params.allow_pickle, where=str(source), tokenizer=params.tokenizer)
    copy_files(files, source, model)


def _from_checkpoint(source: Path, params: Params, model: Path) -> None:
    config, tensors = read(source)
    write_config(config, model)
    if params.weights != "random":
        from safetensors.torch import save_file

        save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})


def _from_onnx(source: Path, params: Params, model: Path) -> None:
    if params.weights == "random":
        raise RecipeError(
            f"random needs an architecture, and {source.name} is a finished graph",
            field="model.weights",
            remedy="set model.weights: pretrained, or point model.source at a folder with a config.json",
        )
    copy_onnx(source, model, quantized=params.quantized)
    if params.outputs:
        cut(model, params.outputs)


def _known_config(hub_id: str) -> dict[str, Any]:
    config = config_for(hub_id)
    if config is None:
        raise RecipeError(
            f"{hub_id} is not of a known family, and model.weights: random downloads nothing",
            field="model.source",
            remedy=f"known without a download: {', '.join(known_ids())}; otherwise point model.source at a folder "
            "with the model's config.json, or set model.weights: pretrained",
        )
    return config
