"""A step that runs one command: cp."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from recipebuild.engine.progress import Progress


class Params(BaseModel):
    """The step's number: without it all steps that copy one file would be one."""

    n: int


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Copy the input."""
    subprocess.run(["cp", str(inputs["source"]), str(out / "text")], check=True)
    return {}
