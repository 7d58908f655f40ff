"""SegFormer checkpoints as its authors' code writes them (``mit_b0.pth``), read as models of transformers.

Sources: NVlabs/SegFormer, mmseg/models/backbones/mix_transformer.py and decode_heads/segformer_head.py, for the names
and for what shapes do not tell (heads 1, 2, 5, 8; strides 4, 2, 2, 2); transformers' script
convert_segformer_original_to_pytorch.py, for the names there. Heads of today's mmsegmentation have a BatchNorm and a
ReLU at each level, which no model of transformers has: they are refused.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.facts.tasks import CLASSIFICATION, SEGMENTATION

if TYPE_CHECKING:
    import torch

    Tensors = Mapping[str, torch.Tensor]

SUFFIX = ".pth"
_HEADS = (1, 2, 5, 8)
_ENCODER = "segformer.encoder."
_RENAMED = (
    (r"patch_embed(\d)\.norm\.", lambda m: f"patch_embeddings.{_before(m[1])}.layer_norm."),
    (r"patch_embed(\d)\.", lambda m: f"patch_embeddings.{_before(m[1])}."),
    (r"^norm(\d)\.", lambda m: f"layer_norm.{_before(m[1])}."),
    (r"block(\d)\.", lambda m: f"block.{_before(m[1])}."),
    (r"\.norm(\d)\.", lambda m: f".layer_norm_{m[1]}."),
    (r"\.attn\.q\.", lambda m: ".attention.self.query."),
    (r"\.attn\.proj\.", lambda m: ".attention.output.dense."),
    (r"\.attn\.norm\.", lambda m: ".attention.self.layer_norm."),
    (r"\.attn\.sr\.", lambda m: ".attention.self.sr."),
    (r"\.fc(\d)\.", lambda m: f".dense{m[1]}."),
)
_HEAD = (
    (r"^linear_c(\d)\.", lambda m: f"linear_c.{_before(m[1])}."),
    (r"^linear_fuse\.conv\.", lambda m: "linear_fuse."),
    (r"^linear_fuse\.bn\.", lambda m: "batch_norm."),
    (r"^linear_pred\.", lambda m: "classifier."),
)


def read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A checkpoint as ``config.json`` and weights under transformers' names.

    Nothing in the file is run: torch reads it with ``weights_only``.

    Raises:
        StepError: If the file is damaged, or holds another model.
    """
    tensors, classes = _load(path)
    tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    whole = any(name.startswith("backbone.") for name in tensors)
    body = {n.removeprefix("backbone."): t for n, t in tensors.items() if not whole or n.startswith("backbone.")}
    head = {n.removeprefix("decode_head."): t for n, t in tensors.items() if n.startswith("decode_head.")}
    if "patch_embed1.proj.weight" not in body:
        raise _other(path, "its tensors have other names than the authors' code gives them")
    if head and "linear_c1.proj.weight" not in head:
        raise _other(path, "its head has a BatchNorm and a ReLU at each level, as in today's mmsegmentation")
    logits = head.get("linear_pred.weight", body.get("head.weight"))
    if logits is None:
        raise _other(path, "it has a backbone alone, and neither a decode_head nor a head")
    config = _config(body, head, SEGMENTATION if head else CLASSIFICATION, len(logits), classes)
    named = {_ENCODER + name: tensor for name, tensor in _encoder(body).items()}
    named |= {f"decode_head.{_replaced(name, _HEAD)}": tensor for name, tensor in head.items() if _is_of_head(name)}
    if not head:
        named |= {f"classifier.{part}": body[f"head.{part}"] for part in ("weight", "bias")}
    return config, named


def _load(path: Path) -> tuple[Mapping[str, torch.Tensor], list[str] | None]:
    """The tensors of a checkpoint, and the names of its classes where it has them."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise StepError(
            f"{path.name} cannot be read as plain tensors: {reason(error).partition('. ')[0]}",
            field="model.source",
            remedy="get the file again; or save its state_dict alone: torch.save(checkpoint['state_dict'], FILE)",
        ) from error
    meta = content.get("meta") if isinstance(content, dict) else None
    classes = meta.get("CLASSES") if isinstance(meta, dict) else None
    tensors = content.get("state_dict", content) if isinstance(content, dict) else {}
    if (
        not isinstance(tensors, Mapping)
        or not tensors
        or not all(isinstance(each, torch.Tensor) for each in tensors.values())
    ):
        raise _other(path, "it holds no state_dict")
    return tensors, [str(name) for name in classes] if classes else None


def _config(body: Tensors, head: Tensors, task: str, classes: int, names: list[str] | None) -> dict[str, Any]:
    stages = range(1, 5)
    widths = [len(body[f"patch_embed{i}.proj.weight"]) for i in stages]
    reduced = [body.get(f"block{i}.0.attn.sr.weight") for i in stages]
    config: dict[str, Any] = {
        "architectures": [f"SegformerFor{'SemanticSegmentation' if task == SEGMENTATION else 'ImageClassification'}"],
        "model_type": "segformer",
        "hidden_sizes": widths,
        "depths": [1 + max(int(m[1]) for name in body if (m := re.match(rf"block{i}\.(\d+)\.", name))) for i in stages],
        "num_attention_heads": list(_HEADS),
        "patch_sizes": [body[f"patch_embed{i}.proj.weight"].shape[-1] for i in stages],
        "strides": [4, 2, 2, 2],
        "sr_ratios": [1 if each is None else each.shape[-1] for each in reduced],
        "mlp_ratios": [
            len(body[f"block{i}.0.mlp.fc1.weight"]) // width for i, width in zip(stages, widths, strict=True)
        ],
        "id2label": {str(at): names[at] if names and len(names) == classes else f"LABEL_{at}" for at in range(classes)},
    }
    if head:
        config["decoder_hidden_size"] = len(head["linear_c1.proj.weight"])
    return config


def _encoder(body: Tensors) -> dict[str, torch.Tensor]:
    """The backbone under transformers' names; keys and values are one matrix there, keys first."""
    named: dict[str, torch.Tensor] = {}
    for name, tensor in body.items():
        if name.startswith("head."):
            continue
        if ".attn.kv." in name:
            half = len(tensor) // 2
            for part, piece in (("key", tensor[:half]), ("value", tensor[half:])):
                named[_replaced(name.replace(".attn.kv.", f".attention.self.{part}."), _RENAMED)] = piece.contiguous()
        else:
            named[_replaced(name, _RENAMED)] = tensor
    return named


def _is_of_head(name: str) -> bool:
    """Not ``conv_seg``, which every head of mmsegmentation has and SegFormer's does not use."""
    return name.startswith(("linear_c", "linear_fuse.", "linear_pred."))


def _replaced(name: str, rules: Any) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _before(number: str) -> int:
    return int(number) - 1


def _other(path: Path, why: str) -> StepError:
    return StepError(
        f"{path.name} is not a SegFormer checkpoint that can be read: {why}",
        field="model.source",
        remedy="export it to ONNX with the library that wrote it, and name the .onnx file",
    )
