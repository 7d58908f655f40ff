"""The figures of the step fetch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Where the model came from.

    Attributes:
        origin: ``hub``, ``family``, ``folder``, ``checkpoint`` or ``onnx``.
        commit: On the hub; ``None`` from elsewhere.
        bytes: Its size in all.
    """

    origin: str
    commit: str | None = None
    bytes: int
