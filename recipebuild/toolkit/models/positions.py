"""Position embeddings for one input size, interpolated once, before export.

    freeze_positions(model, (1, 3, 518, 518))

Vision transformers stretch their learned position embeddings to the size of the image, each time anew, by cubic
interpolation. For a fixed size the result is a constant; left in the graph it is a Resize that NPUs do not have, and
that ONNX Runtime computes a little differently. So the methods for this are called once, as the model would call them,
and what they return takes their place. The numbers are those that the original computes at this size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.models.trial import try_out

if TYPE_CHECKING:
    import torch

_METHODS = ("interpolate_pos_encoding", "_resize_pos_embed")
"""What transformers' models call the method that returns the embeddings for a size."""


def freeze_positions(model: torch.nn.Module, shape: Sequence[int]) -> int:
    """Make position embeddings constants, in place.

    Args:
        model: A module that takes an image of ``shape``.
        shape: N, C, H, W, the size to be exported.

    Returns:
        How many embeddings were made constants.
    """
    import torch

    places = [(part, name) for part in model.modules() for name in _METHODS if callable(getattr(part, name, None))]
    calls: dict[tuple[torch.nn.Module, str], tuple[Any, ...]] = {}

    def recorder(module: torch.nn.Module, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def record(*args: Any, **kwargs: Any) -> Any:
            calls[module, name] = method, args, kwargs
            return method(*args, **kwargs)

        return record

    if not places:
        return 0
    for module, name in places:
        setattr(module, name, recorder(module, name, getattr(module, name)))
    try:
        try_out(model, shape)
    finally:
        for module, name in places:
            delattr(module, name)
    frozen = 0
    for (module, name), (method, args, kwargs) in calls.items():
        with torch.no_grad():
            positions, other = (
                method(
                    *(_filled(value, fill) for value in args),
                    **{key: _filled(value, fill) for key, value in kwargs.items()},
                )
                for fill in (0, 1)
            )
        if not torch.equal(positions, other):  # PVT's last stage hands its embeddings over, without the class token's
            continue
        module.register_buffer("frozen_positions", positions.detach().clone(), persistent=False)
        setattr(module, name, _constant(module))
        frozen += 1
    return frozen


def _filled(value: Any, fill: float) -> Any:
    """A number in place of a tensor, fake or not: of what is embedded, only the shape counts; parameters stay."""
    import torch

    if not isinstance(value, torch.Tensor) or isinstance(value, torch.nn.Parameter):
        return value
    return torch.full(tuple(value.shape), fill, dtype=value.dtype)


def _constant(module: torch.nn.Module) -> Callable[..., Any]:
    return lambda *args, **kwargs: module.frozen_positions
