"""What the makers of the quickstarts' small models share: the steps of their training, and the ONNX file."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel

logger = logging.getLogger(__name__)


def fit(
    model: nn.Module,
    loss_of_batch: Callable[[], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    rate: torch.optim.lr_scheduler.LRScheduler,
    steps: int,
    clip: float | None = None,
) -> None:
    """Train a model in place, and leave it in evaluation mode.

    Args:
        model: What is trained.
        loss_of_batch: Draws the next batch and gives its loss.
        optimizer: Of the model's parameters.
        rate: The optimizer's learning rate, a step at a time.
        steps: How many batches.
        clip: The largest norm of a gradient; ``None`` for any.
    """
    from torch import nn

    model.train()
    started, lately = time.monotonic(), 0.0
    for step in range(steps):
        loss = loss_of_batch()
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        rate.step()
        lately += (loss.item() - lately) / min(step + 1, 50)
        if step % 50 == 0 or step == steps - 1:
            logger.info("step %d of %d: loss %.4f, %.0f s", step, steps, lately, time.monotonic() - started)
    model.eval()


def write_onnx(model: nn.Module, path: Path, inputs: dict[str, tuple[int, ...]], outputs: Sequence[str]) -> None:
    """Write a model by the old exporter, at opset 17, simplified.

    Args:
        model: Takes float32 tensors.
        path: The ONNX file.
        inputs: The shape of each input by its name, in their order.
        outputs: The names of the outputs.
    """
    import torch

    from recipebuild.toolkit.graph.files import save
    from recipebuild.toolkit.graph.simplify import simplify

    example = tuple(torch.zeros(shape) for shape in inputs.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is the old exporter
        torch.onnx.export(
            model, example, str(path), dynamo=False, opset_version=17, input_names=[*inputs], output_names=[*outputs]
        )
    save(simplify(path, None, None, inputs), path)


def kept(target: Path, train: Callable[[], PreTrainedModel]) -> Path:
    """A model's folder in Hugging Face layout; trained if it is not there yet."""
    if not (target / "model.safetensors").exists():
        train().save_pretrained(target)
    return target
