"""What torch.onnx asks of onnxscript's functions for PyTorch's operators, told without reading their sources.

Each export makes a table of five hundred functions, and asks each for its domain. What is traced answers by parsing the
source of the function, for nothing else of which anybody asks: with all of them that takes 0.7 s.

Use: ``with unread_sources(): torch.onnx.export(module, (example,), dynamo=True)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unread_sources() -> Iterator[None]:
    """Let functions that are traced answer with their domain meanwhile, and read their sources for all else."""
    from onnxscript.values import TracedOnnxFunction

    read = getattr(TracedOnnxFunction, "function_ir", None)
    if not isinstance(read, property) or read.fget is None:  # another version of onnxscript
        yield
        return
    get = read.fget
    TracedOnnxFunction.function_ir = property(lambda function: _Function(function, get))
    try:
        yield
    finally:
        TracedOnnxFunction.function_ir = read


class _Function:
    """What a function's source says, read when more is asked of it than its domain."""

    def __init__(self, function: Any, read: Callable[[Any], Any]) -> None:
        self.domain = function.opset.domain
        self._function = function
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read(self._function), name)
