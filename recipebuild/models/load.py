"""A model folder -> a PyTorch module that takes one image tensor and returns the one tensor that its task is about.

    load(folder, task="semantic-segmentation", weights="pretrained", seed=0)(pixels)   # logits [N, classes, H/4, W/4]

Another task is a line in ``TASKS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.models.checkpoint import file_names, weight_files

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Task:
    """What transformers calls a task.

    Attributes:
        auto_class: The class in ``transformers`` that finds the model's class.
        output: The field of the model's answer that is exported.
    """

    auto_class: str
    output: str


TASKS = {
    "semantic-segmentation": Task("AutoModelForSemanticSegmentation", "logits"),
}


def load(folder: Path, *, task: str, weights: str, seed: int, attention: str = "sdpa") -> torch.nn.Module:
    """Build the model of ``folder`` in float32 and eval mode, with nothing from the network and no code of the model's.

    Args:
        folder: Hugging Face layout: config.json and, unless ``weights`` is ``random``, the weights.
        task: A key of ``TASKS``.
        weights: ``pretrained`` reads the folder's weights: safetensors, else pickles with ``weights_only``; ``random``
            draws them from ``seed``.
        seed: For random weights; the global random state is not touched.
        attention: transformers' attention implementation, ``sdpa`` or ``eager``.

    Returns:
        A module: float32 [N, 3, H, W] -> the task's output; [N, classes, H/4, W/4] logits for SegFormer.

    Raises:
        StepError: If transformers does not know the model or the task, or the weights do not fit the architecture.
    """
    import torch

    class OneTensor(torch.nn.Module):  # type: ignore[misc]  # mypy takes torch for Any, as it is not followed
        """The model behind one positional argument and one output, which is what exporters and boards want."""

        def __init__(self, model: Any, output: str) -> None:
            super().__init__()
            self.model = model
            self.output = output

        def forward(self, pixel_values: torch.Tensor) -> Any:
            return getattr(self.model(pixel_values=pixel_values), self.output)

    if task not in TASKS:
        raise StepError(f"model.task: {task} is not one of {', '.join(TASKS)}")
    config = _config(folder)
    auto_class = _auto_class(task, config)
    options = {"dtype": torch.float32, "attn_implementation": attention, "trust_remote_code": False}
    if weights == "random":
        model = _random(auto_class, config, seed, options)
    else:
        model = _pretrained(auto_class, config, folder, options)
    return OneTensor(model, TASKS[task].output).eval()


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # what transformers makes of a strange config.json
        raise StepError(
            f"model.source: transformers cannot use its config.json: {reason(error)}",
            remedy="its model_type must be one that the installed transformers knows, with fitting values; a model "
            "with code of its own (trust_remote_code) is not supported",
        ) from error


def _auto_class(task: str, config: Any) -> Any:
    """The Auto class of ``task``, found to have a model for ``config``."""
    import transformers

    auto_class = getattr(transformers, TASKS[task].auto_class)
    if type(config) not in auto_class._model_mapping:
        raise StepError(
            f"model.task: a {config.model_type} model cannot do {task}",
            remedy="choose the task that the model was made for, or a model that was made for this task",
        )
    return auto_class


def _random(auto_class: Any, config: Any, seed: int, options: dict[str, Any]) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return auto_class.from_config(config, **options)
        except Exception as error:  # an architecture that contradicts itself fails anywhere inside
            raise StepError(f"model.source: no model can be built from its config.json: {reason(error)}") from error


def _pretrained(auto_class: Any, config: Any, folder: Path, options: dict[str, Any]) -> Any:
    # Pickles are in the folder only where the recipe allows them: fetch sees to that.
    safe = any(name.endswith(".safetensors") for name in weight_files(file_names(folder)))
    try:
        model, found = auto_class.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=safe,
            weights_only=True,
            ignore_mismatched_sizes=True,  # they are reported below, with their names
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # damaged files, pickles that are more than tensors
        raise StepError(f"model.source: the weights cannot be loaded: {reason(error)}") from error
    for problem, keys in (
        ("the weights lack", found["missing_keys"]),
        ("the architecture has no place for", found["unexpected_keys"]),
        ("the weights have another shape than the architecture for", [key for key, *_ in found["mismatched_keys"]]),
    ):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise StepError(
                f"model.source: {problem} {min(keys)}{more}",
                remedy="the checkpoint must be one of the architecture in its config.json, made for model.task",
            )
    return model
