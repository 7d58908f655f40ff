"""A LoRA adapter, as the library peft saves it, merged into the weights of a model folder; peft is not needed.

    adapter_config.json        rank, alpha, which modules
    adapter_model.safetensors  A and B of each module, and modules that were trained as a whole
    config.json                optional, in place of the model's: where the adapter is for other classes

For each module W += scale B A, with scale = alpha / r, or alpha / sqrt(r) for rank-stabilized LoRA: E. Hu et al.,
"LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, section 4.1; D. Kalajdzievski, "A Rank Stabilization
Scaling Factor for Fine-Tuning with LoRA", 2023.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.models.checkpoint import CONFIG, file_names, read_config, weight_files

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_FIELD = "model.adapter"
_PREFIX = "base_model.model."
_UNKNOWN = ("use_dora", "fan_in_fan_out", "layer_replication", "use_qalora", "alora_invocation_tokens", "lora_bias")
"""Settings of peft that make another formula of it."""
_MERGE = "merge it with peft: model.merge_and_unload().save_pretrained(FOLDER), and name FOLDER in model.source"


def check_adapter(folder: Path) -> dict[str, Any]:
    """Find that ``folder`` has an adapter that can be merged; give its adapter_config.json.

    Raises:
        StepError: If a file is not there or damaged, or the adapter is of another kind.
    """
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise StepError(
                f"{folder} has no {name}",
                field=_FIELD,
                remedy=f"peft writes {ADAPTER_CONFIG} and {ADAPTER_WEIGHTS} with model.save_pretrained(FOLDER)",
            )
    try:
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        kind = config.get("peft_type")
    except (ValueError, AttributeError) as error:
        raise StepError(f"{folder / ADAPTER_CONFIG} is no JSON object", field=_FIELD, remedy=_MERGE) from error
    other = next((name for name in _UNKNOWN if config.get(name)), None)
    if kind != "LORA" or other:
        raise StepError(
            f"the adapter is {f'LoRA with {other}' if kind == 'LORA' else kind}, not plain LoRA",
            field=_FIELD,
            remedy=_MERGE,
        )
    return dict(config)


def merge_adapter(model: Path, adapter: Path) -> int:
    """Merge the adapter in the folder ``adapter`` into the model folder ``model``, which then has one file of weights.

    Returns:
        How many modules were changed.

    Raises:
        StepError: If the adapter cannot be used, or is not for this model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    config = check_adapter(adapter)
    try:
        parts = load_file(adapter / ADAPTER_WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise StepError(f"{ADAPTER_WEIGHTS} is damaged: {reason(error)}", field=_FIELD) from error
    weights = _weights(model)
    changed = merged(weights, parts, config, _names_now(weights, model))
    for name in weight_files(file_names(model)):
        (model / name).unlink()
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    if (adapter / CONFIG).is_file():
        shutil.copyfile(adapter / CONFIG, model / CONFIG)
    return changed


def merged(
    weights: Tensors,
    parts: Mapping[str, torch.Tensor],
    config: Mapping[str, Any],
    now: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Merge the adapter's tensors into ``weights``, in place; give how many modules were changed.

    Args:
        weights: The model's, by name.
        parts: The adapter's: ``base_model.model.MODULE.lora_A.weight`` [r, in], or [r, in, k, k] of a convolution;
            ``lora_B`` [out, r] or [out, r, 1, 1]; all others are taken in place of the model's.
        config: adapter_config.json.
        now: What transformers calls the model's tensors now, where files have older names: those, by the new ones.

    Raises:
        StepError: If a module is not the model's, or of another shape.
    """
    downs = {name: tensor for name, tensor in parts.items() if ".lora_A." in name}
    for name, down in downs.items():
        up = parts.get(name.replace(".lora_A.", ".lora_B."))
        module = _plain(name.partition(".lora_A.")[0])
        key = _name_in(weights, f"{module}.weight", now)
        if key is None or up is None:
            raise StepError(
                f"the adapter changes {module}, which the model does not have" if up is not None else f"no B of {name}",
                field=_FIELD,
                remedy="name the model in model.source that adapter_config.json names: "
                f"{config.get('base_model_name_or_path')}",
            )
        weights[key] = _sum(weights[key], down, up, _scale(config, module, len(down)), module)
    others = [name for name in parts if ".lora_A." not in name and ".lora_B." not in name]
    for name in others:
        if ".lora_" in name:
            raise StepError(f"the adapter has {name}, which is not of a linear layer", field=_FIELD, remedy=_MERGE)
        plain = _plain(name)
        weights[_name_in(weights, plain, now) or plain] = parts[name].clone()
    if not downs and not others:
        raise StepError("the adapter has no tensors", field=_FIELD)
    return len(downs) + len(others)


def _plain(name: str) -> str:
    return name.removeprefix(_PREFIX).replace(".modules_to_save", "").replace(".base_layer", "")


def _name_in(weights: Mapping[str, Any], name: str, now: Mapping[str, str]) -> str | None:
    """What the checkpoint calls a tensor: with or without the model's own prefix (``vit.``)."""
    for known in ({key: key for key in weights}, now):
        if name in known:
            return known[name]
        alike = [key for key in known if key.endswith(f".{name}") or name.endswith(f".{key}")]
        if len(alike) == 1:
            return known[alike[0]]
    return None


def _names_now(weights: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The names in a checkpoint by those that transformers 5 has for them in the model: it renames them as it reads.

    An adapter has the names of the transformers that it was trained with.
    """
    import torch
    import transformers
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightRenaming, rename_source_key

    named = read_config(folder / CONFIG).get("architectures") or [""]
    model_class = getattr(transformers, str(named[0]), None)
    if model_class is None:
        return {}
    with torch.device("meta"):
        model = model_class(transformers.AutoConfig.from_pretrained(folder, local_files_only=True))
    renamings = [rule for rule in get_model_conversion_mapping(model) if isinstance(rule, WeightRenaming)]
    return {rename_source_key(name, renamings, [])[0]: name for name in weights}


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    patterns = config.get("alpha_pattern") or {}
    own = next((alpha for pattern, alpha in patterns.items() if re.fullmatch(rf"(.*\.)?({pattern})", module)), None)
    alpha = float(config.get("lora_alpha", 8) if own is None else own)
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _sum(weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, scale: float, module: str) -> torch.Tensor:
    """W + scale B A, in float32, in the type of W."""
    product = up.float().flatten(1) @ down.float().flatten(1)
    if product.numel() != weight.numel() or product.shape[0] != weight.shape[0]:
        raise StepError(
            f"the adapter's {module} is {list(product.shape)}, and the model's {list(weight.shape)}",
            field=_FIELD,
            remedy="name the model in model.source that the adapter was trained on",
        )
    return (weight.float() + scale * product.reshape(weight.shape)).to(weight.dtype)


def _weights(model: Path) -> Tensors:
    """All tensors of a model folder, by name; of pickled files with ``weights_only``."""
    import torch
    from safetensors.torch import load_file

    weights: Tensors = {}
    for name in weight_files(file_names(model)):
        if name.endswith(".safetensors"):
            weights |= load_file(model / name)
        elif name.endswith(".bin"):
            weights |= torch.load(model / name, map_location="cpu", weights_only=True)
    return {name: tensor.contiguous() for name, tensor in weights.items()}
