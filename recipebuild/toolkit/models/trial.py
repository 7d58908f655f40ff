"""A run of a module for what it says about shapes: without the arithmetic, and its memory, where that is possible.

Use: ``try_out(module, (1, 3, 640, 1280))``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recipebuild.toolkit.models.uncached import uncached

if TYPE_CHECKING:
    import torch


def try_out(module: torch.nn.Module, shape: Sequence[int]) -> None:
    """Run ``module`` on an image of zeros; whatever it raises is raised.

    With fake tensors, which have shapes and no data, a large model at a large size takes no memory. What cannot run on
    them (it looks at values) is run on real ones; so is what fails, for a message about real tensors.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    try:
        with _as_before(module), uncached(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            module(torch.zeros(*shape))
    except Exception:
        with torch.no_grad():
            module(torch.zeros(*shape))


@contextmanager
def _as_before(module: torch.nn.Module) -> Iterator[None]:
    """Take back what parts keep in dictionaries for the next call, such as LeViT the biases of its attention."""
    kept = [
        (part, name, dict(value))
        for part in module.modules()
        for name, value in vars(part).items()
        if isinstance(value, dict) and not name.startswith("_")
    ]
    try:
        yield
    finally:
        for part, name, value in kept:
            setattr(part, name, value)
