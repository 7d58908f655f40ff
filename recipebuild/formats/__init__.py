"""Files and output that other programs read: their versions, and in the modules beside what is in them.

A version is raised when a field goes, gets another name or another meaning; fields are added without that.
"""

from __future__ import annotations

from collections.abc import Mapping

VERSIONS: Mapping[str, int] = {
    "manifest": 1, "model": 1, "quant": 1, "lint": 1, "accepted": 1,
    "render": 1, "report": 1, "graph": 1, "accept": 1, "lock": 1,
}  # fmt: skip
"""The ``version`` of each: of files by their names without ``.json``, and of what commands print with ``--json``."""
