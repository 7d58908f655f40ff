"""Files that other programs read: their versions, and in the modules beside what is in them.

A version is raised when a field goes, gets another name or another meaning; fields are added without that.
"""

from __future__ import annotations

from collections.abc import Mapping

VERSIONS: Mapping[str, int] = {"manifest": 1, "model": 1, "quant": 1, "lint": 1, "accepted": 1}
"""The ``version`` that each file carries, by its name without ``.json``."""
