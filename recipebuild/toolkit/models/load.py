"""A model folder -> a PyTorch module that takes one image tensor and returns the tensor that its task is about.

    load(folder, task="semantic-segmentation", weights="pretrained", seed=0)(pixels)   # logits [N, classes, H/4, W/4]

What tasks there are is in ``tasks.py``.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import MissingError, StepError, reason
from recipebuild.facts.tasks import DETECTION, FEATURES, TEXT
from recipebuild.toolkit.models.checkpoint import CONFIG, file_names, read_config, weight_files
from recipebuild.toolkit.models.extensions import register_models
from recipebuild.toolkit.models.tasks import answer, default_features, model_class, special_tokens
from recipebuild.toolkit.models.text import default_text_features, of_text, text_class

if TYPE_CHECKING:
    import torch


def load(
    folder: Path,
    *,
    task: str,
    weights: str,
    seed: int,
    attention: str = "sdpa",
    features: str | None = None,
    normalize: bool = False,
    tokens: Sequence[str] = (),
) -> torch.nn.Module:
    """Build the model of ``folder`` in float32 and eval mode, with nothing from the network and no code of the model's.

    Args:
        folder: Hugging Face layout: config.json and, unless ``weights`` is ``random``, the weights.
        task: A key of ``TASKS``.
        weights: ``pretrained`` reads the folder's weights: safetensors, else pickles with ``weights_only``; ``random``
            draws them from ``seed``.
        seed: For random weights; the global random state is not touched.
        attention: transformers' attention implementation, ``sdpa`` or ``eager``, where the model has several.
        features: Which, for image-feature-extraction; ``None`` for what is usual for the model.
        normalize: Bring features to length 1 (L2) along the last axis.
        tokens: Of feature-extraction: what of its tokenizer's answer the model takes, in the order of its arguments.

    Returns:
        A module: float32 [N, 3, H, W] -> the task's output; [N, classes, H/4, W/4] logits for SegFormer. Of object
        detection it is a tuple of logits and boxes. Of feature-extraction: int32 [N, tokens] each -> [N, C].

    Raises:
        StepError: If transformers does not know the model or the task, or the weights do not fit the architecture.
    """
    import torch

    config = _config(folder)
    kind = features or (default_text_features(config) if task == TEXT else default_features(config))
    chosen, config = text_class(config, kind) if task == TEXT else model_class(task, config, kind)
    options: dict[str, Any] = {"dtype": torch.float32, "trust_remote_code": False}
    if attention == "eager" or _has_sdpa(chosen, config):
        options["attn_implementation"] = attention
        if task == DETECTION and getattr(config, "backbone_config", None) is not None:
            options["attn_implementation"] = {"": attention, "backbone_config": "eager"}  # most are convolutions
    if weights == "random":
        model = _random(chosen, config, seed, options)
    else:
        embeds = task in (FEATURES, TEXT)
        loose = ("pooler.",) if embeds and kind != "pooled" else ()
        model = _pretrained(chosen, config, folder, options, loose=loose, extra=embeds)
    if task == TEXT:
        return of_text(model, kind, tokens, normalize=normalize)
    _settle_masks(model)
    special = special_tokens(model, config)
    # Models with positions for one size only say so; they interpolate when asked to.
    asks = "interpolate_pos_encoding" in inspect.signature(model.forward).parameters
    arguments = {"interpolate_pos_encoding": True} if asks else {}

    class OneTensor(torch.nn.Module):  # type: ignore[misc]  # mypy takes torch for Any, as it is not followed
        """The model behind one positional argument and one output, which is what exporters and boards want."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixel_values: torch.Tensor) -> Any:
            tensor = answer(self.model(pixel_values=pixel_values, **arguments), task, kind, special)
            return torch.nn.functional.normalize(tensor, dim=-1) if normalize else tensor

    return OneTensor().eval()


def _config(folder: Path) -> Any:
    from transformers import CONFIG_MAPPING, AutoConfig, __version__

    register_models()
    kind = read_config(folder / CONFIG)["model_type"]
    if kind not in CONFIG_MAPPING:
        near = difflib.get_close_matches(kind, CONFIG_MAPPING.keys(), n=1)
        raise StepError(
            f"its config.json has the model_type {kind}, which transformers {__version__} does not know",
            field="model.source",
            remedy=(f"did you mean {near[0]}? " if near else "")
            + "a newer transformers may know it; a model with code of its own (trust_remote_code) is not supported",
        )
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        raise _lacking(error) from error
    except Exception as error:  # what transformers makes of a strange config.json
        raise StepError(
            f"transformers cannot use its config.json: {reason(error)}",
            field="model.source",
            remedy=f"its values must be those of a {kind} model: get the file again, or fix what is named",
        ) from error


def _random(auto_class: Any, config: Any, seed: int, options: dict[str, Any]) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            make = getattr(auto_class, "from_config", None) or auto_class._from_config
            return make(config, **_fitting(options, make))
        except ImportError as error:
            raise _lacking(error) from error
        except Exception as error:  # an architecture that contradicts itself fails anywhere inside
            raise StepError(
                f"no model can be built from its config.json: {reason(error)}",
                field="model.source",
                remedy="its values contradict each other: get the file again, or fix what is named",
            ) from error


def _settle_masks(model: Any) -> None:
    """Make numbers of the odds with which EoMT masks attention: no exporter takes a graph that hangs on weights.

    They fall from 1 to 0 in training; at either end nothing is left to chance.
    """
    odds = model._buffers.pop("attn_mask_probs", None)
    if odds is not None:
        model.attn_mask_probs = odds.tolist()


def _lacking(error: ImportError) -> MissingError:
    """A library that the model's class needs, in words; transformers' are for notebooks."""
    named = re.search(r"requires the (\S+) library", str(error))
    library = named[1] if named else error.name or "another library"
    return MissingError(
        f"the model needs the library {library}, which is not installed",
        field="model.source",
        remedy=f"pip install {library}",
    )


def _has_sdpa(chosen: Any, config: Any) -> bool:
    """Whether a model knows PyTorch's scaled dot product attention; those that leave it to a part do not.

    transformers asks the backbone for the same, and fails where that does not know it.
    """
    from transformers import AutoBackbone

    mapping = getattr(chosen, "_model_mapping", None)
    mapped = mapping[type(config)] if mapping is not None else chosen
    model = mapped[0] if isinstance(mapped, tuple) else mapped
    backbone = AutoBackbone._model_mapping.get(type(getattr(config, "backbone_config", None)), model)
    return all(getattr(part, "_supports_sdpa", False) for part in (model, backbone))


def _fitting(options: dict[str, Any], make: Any) -> dict[str, Any]:
    """The options without what only Auto classes know."""
    is_auto = make.__name__ == "from_config"
    return options if is_auto else {name: value for name, value in options.items() if name != "trust_remote_code"}


def _pretrained(
    auto_class: Any, config: Any, folder: Path, options: dict[str, Any], *, loose: tuple[str, ...], extra: bool
) -> Any:
    """The model with the folder's weights.

    ``loose`` are beginnings of names that the weights may lack, as nothing that is exported needs them; ``extra`` says
    whether they may have more than the model has: those of another tower, or of a head.
    """
    # Pickles are in the folder only where the recipe allows them: fetch sees to that.
    safe = any(name.endswith(".safetensors") for name in weight_files(file_names(folder)))
    try:
        model, loading_info = auto_class.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=safe,
            weights_only=True,
            ignore_mismatched_sizes=True,  # they are reported below, with their names
            output_loading_info=True,
            **options,
        )
    except ImportError as error:
        raise _lacking(error) from error
    except Exception as error:
        if safe:
            raise StepError(
                f"the weights cannot be loaded: {reason(error)}",
                field="model.source",
                remedy="get the files again, all of one revision",
            ) from error
        # torch's own words are about reading them without weights_only, which runs code of whoever made them.
        raise StepError(
            "the weights cannot be loaded: pytorch_model.bin holds something else than tensors by name",
            field="model.source",
            remedy="take a model.revision or a folder that has model.safetensors, or save them anew: "
            "torch.save(model.state_dict(), 'pytorch_model.bin')",
        ) from error
    for problem, keys in (
        (
            "the weights lack",
            [key for key in loading_info["missing_keys"] if not key.startswith(loose)]
            if loose
            else loading_info["missing_keys"],
        ),
        ("the architecture has no place for", [] if extra else loading_info["unexpected_keys"]),
        (
            "the weights have another shape than the architecture for",
            [key for key, *_ in loading_info["mismatched_keys"]],
        ),
    ):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise StepError(
                f"{problem} {min(keys)}{more}",
                field="model.source",
                remedy="the checkpoint must be one of the architecture in its config.json, made for model.task",
            )
    return model
