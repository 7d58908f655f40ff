"""What tests of the configuration share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

STANDINS = Path(__file__).resolve().parents[3] / "standins"


@pytest.fixture(scope="session")
def documented() -> Iterator[ModuleType]:
    """The stand-in's module with the proto that was written from the documentation: ``check``, ``parse``."""
    sys.path.insert(0, str(STANDINS))
    try:
        import pulsar2_schema

        yield pulsar2_schema
    finally:
        sys.path.remove(str(STANDINS))
