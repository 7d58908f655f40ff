"""A run of a module for what it says about shapes: without the arithmetic, and its memory, where that is possible.

Use: ``try_out(module, (1, 3, 640, 1280))``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

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
        with _nothing_kept(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            module(torch.zeros(*shape))
    except Exception:
        with torch.no_grad():
            module(torch.zeros(*shape))


@contextlib.contextmanager
def _nothing_kept() -> Iterator[None]:
    """Say that a model is being compiled: transformers then keeps no tensor for the next model of the process.

    BEiT's table of relative positions is kept by its size (``compile_compatible_method_lru_cache``): once it is a fake
    tensor, every model of that size in the process gives fake tensors.
    """
    import torch

    before = torch.compiler._is_compiling_flag
    torch.compiler._is_compiling_flag = True
    try:
        yield
    finally:
        torch.compiler._is_compiling_flag = before
