"""SegFormer checkpoints as its authors' code writes them, made of models of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

SIZES: dict[str, Any] = {
    "hidden_sizes": [8, 16, 40, 64], "depths": [2, 1, 1, 1], "num_attention_heads": [1, 2, 5, 8], "num_labels": 3,
    "decoder_hidden_size": 12,
}  # fmt: skip


def saved(model: torch.nn.Module, folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a model of transformers under the names that it saves."""
    from safetensors.torch import load_file

    model.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def renamed(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Written from mix_transformer.py and segformer_head.py: the attributes of their modules."""
    theirs: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith("decode_head."):
            part = name.removeprefix("decode_head.")
            for ours, other in (("batch_norm.", "linear_fuse.bn."), ("linear_fuse.weight", "linear_fuse.conv.weight"),
                                ("classifier.", "linear_pred.")):  # fmt: skip
                part = part.replace(ours, other) if part.startswith(ours) else part
            for at in range(4):
                part = part.replace(f"linear_c.{at}.", f"linear_c{at + 1}.")
            theirs[f"decode_head.{part}"] = tensor
            continue
        if name.startswith("classifier."):
            theirs[f"head.{name.partition('.')[2]}"] = tensor
            continue
        words = name.removeprefix("segformer.encoder.").split(".")
        stage = int(words[1]) + 1
        if words[0] == "patch_embeddings":
            part = f"patch_embed{stage}.{'norm' if words[2] == 'layer_norm' else 'proj'}.{words[-1]}"
        elif words[0] == "layer_norm":
            part = f"norm{stage}.{words[-1]}"
        else:
            inside = ".".join(words[3:])
            if inside.startswith("attention.self.key."):
                other = tensors[name.replace(".key.", ".value.")]
                part, tensor = f"attn.kv.{words[-1]}", torch.cat([tensor, other])
            elif inside.startswith("attention.self.value."):
                continue
            else:
                part = (
                    inside.replace("attention.self.query", "attn.q").replace("attention.self.", "attn.")
                    .replace("attention.output.dense", "attn.proj").replace("attn.layer_norm.", "attn.norm.")
                    .replace("layer_norm_", "norm").replace("dense", "fc")
                )  # fmt: skip
            part = f"block{stage}.{words[2]}.{part}"
        theirs[prefix + part] = tensor
    return theirs


def segmentation_checkpoint(folder: Path) -> tuple[Path, Any]:
    """A tiny network with random weights: its checkpoint, and the same in transformers."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    torch.manual_seed(0)
    model = SegformerForSemanticSegmentation(SegformerConfig(**SIZES)).eval()
    theirs = renamed(saved(model, folder / "ours"), "backbone.")
    theirs["decode_head.conv_seg.weight"] = torch.zeros(3, 12, 1, 1)
    torch.save({"state_dict": theirs, "meta": {"CLASSES": ("road", "sky", "car")}}, folder / "net.pth")
    return folder / "net.pth", model
