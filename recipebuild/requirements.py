"""What must be on this machine before the first step runs: the packages that steps use, and the toolchain."""

from __future__ import annotations

from collections.abc import Iterable

from recipebuild.engine.installed import installed_version
from recipebuild.engine.step import Step
from recipebuild.errors import INSTALL_ANYWHERE, MissingError
from recipebuild.toolkit.pulsar2.toolchain import missing_remedy

MISSING = "missing"
"""The version of a Pulsar2 that a recipe insists on and that is not here."""


def require_packages(steps: Iterable[Step]) -> None:
    """Find that the distributions that the steps use are installed.

    Raises:
        MissingError: If some are not.
    """
    missing = sorted({tool for step in steps for tool in step.tools if not installed_version(tool)})
    if missing:
        raise MissingError(
            f"building needs Python packages that are not installed: {', '.join(missing)}",
            remedy=INSTALL_ANYWHERE,
        )


def require_toolchain(steps: Iterable[Step]) -> None:
    """Find that the toolchain that the steps compile with is here. Steps before compile need none.

    Raises:
        MissingError: If it is not.
    """
    if any(step.facts.get("pulsar2") == MISSING for step in steps):
        raise MissingError("Pulsar2 is not on this machine", field="target.toolchain", remedy=missing_remedy())
