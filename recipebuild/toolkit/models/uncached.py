"""Runs of models on tensors without data, from which nothing is to be kept.

transformers keeps what some models compute of an image's size alone (positions of DINOv3, DETR, BEiT) for the next
call. After a run on fake tensors the next call would get fake ones, in another step of the same process.

Use: ``with uncached(): module(fake)``; and ``with unchecked():`` where an exporter looks on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncached() -> Iterator[None]:
    """Let transformers compute everything anew meanwhile, as it does where torch compiles."""
    from transformers import pytorch_utils

    asked = pytorch_utils.is_torchdynamo_compiling
    pytorch_utils.is_torchdynamo_compiling = lambda: True
    try:
        yield
    finally:
        pytorch_utils.is_torchdynamo_compiling = asked


@contextmanager
def unchecked() -> Iterator[None]:
    """Let transformers leave out its checks of tensors meanwhile, which no exporter can write (D-FINE, DEIMv2)."""
    name = "TRANSFORMERS_DISABLE_TORCH_CHECK"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
