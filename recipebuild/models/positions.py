"""Position embeddings for one input size, interpolated once, before export.

    freeze_positions(model, example)

Vision transformers stretch their learned position embeddings to the size of the image, each time anew, by cubic
interpolation. For a fixed size the result is a constant; left in the graph it is a Resize that NPUs do not have, and
that ONNX Runtime computes a little differently. So the model is run once, what its methods for this return is kept, and
takes their place. The numbers are those that the original computes at this size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_METHODS = ("interpolate_pos_encoding", "_resize_pos_embed")
"""What transformers' models call the method that returns the embeddings for a size."""


def freeze_positions(model: torch.nn.Module, example: torch.Tensor) -> int:
    """Make position embeddings constants, in place.

    Args:
        model: A module that takes ``example``.
        example: An input of the size to be exported.

    Returns:
        How many embeddings were made constants.
    """
    import torch

    found: dict[tuple[torch.nn.Module, str], Any] = {}

    def record(module: torch.nn.Module, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def recorder(*args: Any, **kwargs: Any) -> Any:
            found[module, name] = method(*args, **kwargs)
            return found[module, name]

        return recorder

    places = [(part, name) for part in model.modules() for name in _METHODS if callable(getattr(part, name, None))]
    for module, name in places:
        setattr(module, name, record(module, name, getattr(module, name)))
    try:
        with torch.no_grad():
            model(example)
    finally:
        for module, name in places:
            delattr(module, name)
    for (module, name), positions in found.items():
        module.register_buffer("frozen_positions", positions.detach().clone(), persistent=False)
        setattr(module, name, _constant(module))
    return len(found)


def _constant(module: torch.nn.Module) -> Callable[..., Any]:
    return lambda *args, **kwargs: module.frozen_positions
