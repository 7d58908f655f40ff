"""What torch.onnx asks of onnxscript's functions for PyTorch's operators, told without reading their sources.

Each export makes a table of five hundred functions, and asks each for its domain. What is traced answers by parsing the
source of the function, for nothing else of which anybody asks: with all of them that takes 0.7 s.

Use: ``with unread_sources(): torch.onnx.export(module, (example,), dynamo=True)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any


@contextmanager
def unread_sources() -> Iterator[None]:
    """Let functions that are traced answer with their domain alone meanwhile."""
    from onnxscript.values import TracedOnnxFunction

    read = TracedOnnxFunction.function_ir
    TracedOnnxFunction.function_ir = property(_domain)
    try:
        yield
    finally:
        TracedOnnxFunction.function_ir = read


def _domain(function: Any) -> SimpleNamespace:
    return SimpleNamespace(domain=function.opset.domain)
