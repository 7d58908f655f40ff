"""recipebuild: a YAML recipe in, a checked and packaged NPU model out.

The verbs of the command line, for Python: ``recipebuild.run("recipes/x.yaml")``, ``check``, ``explain``, ``preview``,
``render``. They are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recipebuild.build import Build, run
    from recipebuild.dryrun import check, explain, preview, render
    from recipebuild.prepare import Options

__version__ = "0.1.0"
__all__ = ["Build", "Options", "__version__", "check", "explain", "preview", "render", "run"]

_HOMES = {
    "Build": "build",
    "Options": "prepare",
    "check": "dryrun",
    "explain": "dryrun",
    "preview": "dryrun",
    "render": "dryrun",
    "run": "build",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
