"""A run of a module for what it says about shapes: without the arithmetic, and its memory, where that is possible.

Use: ``try_out(module, (1, 3, 640, 1280))``.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        with uncached(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            module(torch.zeros(*shape))
    except Exception:
        with torch.no_grad():
            module(torch.zeros(*shape))
