"""Compiles the package's modules where it is installed in place, as pip does where it copies a package.

Where PYTHONDONTWRITEBYTECODE is set, as in many containers, each command would else compile 150 modules first.
"""

from __future__ import annotations

import compileall
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileInPlace(BuildHookInterface):
    """Found by hatchling through ``[tool.hatch.build.hooks.custom]``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile in an editable build; a wheel holds sources only."""
        if version == "editable":
            compileall.compile_dir(Path(self.root, "recipebuild"), quiet=2)
