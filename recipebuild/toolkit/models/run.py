"""A model folder -> a function that runs the PyTorch model: what every later stage is held against.

Use: ``outputs = torch_runner(folder, Weights(task="depth-estimation"))(batch)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from recipebuild.toolkit.models.load import load

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class Weights(BaseModel):
    """Which PyTorch model a folder stands for.

    Attributes:
        task: What it is for.
        weights: ``pretrained`` or ``random``.
        seed: Of random weights.
        features: Which features, for image-feature-extraction.
        normalize: Whether they are brought to length 1.
        tokens: Of feature-extraction: the names of its inputs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = "semantic-segmentation"
    weights: str = "pretrained"
    seed: int = 0
    features: str | None = None
    normalize: bool = False
    tokens: tuple[str, ...] = ()


def torch_runner(folder: Path, weights: Weights) -> Callable[[Array | Mapping[str, Array]], list[Array]]:
    """Load the model, and give what runs it: float32 ``[N, 3, H, W]`` -> its outputs, of most tasks one.

    Inputs may come by their names: of text they must, as int32 ``[N, tokens]``.

    Raises:
        StepError: As ``load`` does.
    """
    import torch

    model = load(folder, attention="sdpa", **weights.model_dump())

    def run(fed: Array | Mapping[str, Array]) -> list[Array]:
        by_name = fed if isinstance(fed, Mapping) else {"": fed}
        arrays = [by_name[name] for name in weights.tokens or by_name]
        # OpenMP's threads wait for each other by spinning: where other steps have a core of their own, a model takes
        # twenty times as long on all cores as on half of them.
        before = torch.get_num_threads()
        torch.set_num_threads(max(1, before // 2))
        try:
            with torch.inference_mode():
                outputs = model(*map(torch.from_numpy, arrays))
                return [each.numpy() for each in (outputs if isinstance(outputs, tuple) else (outputs,))]
        finally:
            torch.set_num_threads(before)

    return run
