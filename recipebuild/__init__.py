"""recipebuild: a YAML recipe in, a checked and packaged NPU model out.

Every verb of the command line, for Python: ``recipebuild.run("recipes/x.yaml")``. docs/python.md lists them. They are
loaded when they are first asked for, so that ``import recipebuild`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recipebuild._version import __version__
    from recipebuild.engine.events import Event
    from recipebuild.engine.exchange import pull as cache_pull
    from recipebuild.engine.exchange import push as cache_push
    from recipebuild.engine.upkeep import collect as cache_gc
    from recipebuild.engine.upkeep import usage as cache_stats
    from recipebuild.engine.upkeep import verify as cache_verify
    from recipebuild.errors import CheckError, MissingError, RecipebuildError, RecipeError, StepError
    from recipebuild.session import Options, open_remote, open_store
    from recipebuild.toolkit.board.boards import Board, add_board
    from recipebuild.toolkit.board.boards import load_boards as list_boards
    from recipebuild.toolkit.board.doctor import doctor as board_doctor
    from recipebuild.toolkit.bundle.sign import sign as sign_bundle
    from recipebuild.toolkit.bundle.verify import verify as verify_bundle
    from recipebuild.toolkit.graph.describe import describe
    from recipebuild.toolkit.models.extensions import Family
    from recipebuild.toolkit.models.families import family_table as models
    from recipebuild.toolkit.pulsar2.inspect import inspect
    from recipebuild.ui.builds import Builds
    from recipebuild.ui.server import server as ui_server
    from recipebuild.verbs.accept import accept
    from recipebuild.verbs.check import Checked, check
    from recipebuild.verbs.doctor import doctor
    from recipebuild.verbs.estimate import estimate
    from recipebuild.verbs.explain import explain
    from recipebuild.verbs.graph import picture as graph
    from recipebuild.verbs.import_ import import_config as import_
    from recipebuild.verbs.lock import lock
    from recipebuild.verbs.new import Draft, new
    from recipebuild.verbs.plan import preview
    from recipebuild.verbs.render import render
    from recipebuild.verbs.report import write as write_report
    from recipebuild.verbs.run import Build, run
    from recipebuild.verbs.schema import json_schema as schema
    from recipebuild.verbs.tune import Tuned, tune

_HOMES = {
    "Board": "toolkit.board.boards",
    "Build": "verbs.run",
    "Builds": "ui.builds",
    "CheckError": "errors",
    "Checked": "verbs.check",
    "Draft": "verbs.new",
    "Event": "engine.events",
    "Family": "toolkit.models.extensions",
    "MissingError": "errors",
    "Options": "session",
    "RecipeError": "errors",
    "RecipebuildError": "errors",
    "StepError": "errors",
    "Tuned": "verbs.tune",
    "__version__": "_version",
    "accept": "verbs.accept",
    "add_board": "toolkit.board.boards",
    "board_doctor": "toolkit.board.doctor:doctor",
    "cache_gc": "engine.upkeep:collect",
    "cache_pull": "engine.exchange:pull",
    "cache_push": "engine.exchange:push",
    "cache_stats": "engine.upkeep:usage",
    "cache_verify": "engine.upkeep:verify",
    "check": "verbs.check",
    "describe": "toolkit.graph.describe",
    "doctor": "verbs.doctor",
    "estimate": "verbs.estimate",
    "explain": "verbs.explain",
    "graph": "verbs.graph:picture",
    "import_": "verbs.import_:import_config",
    "inspect": "toolkit.pulsar2.inspect",
    "list_boards": "toolkit.board.boards:load_boards",
    "lock": "verbs.lock",
    "models": "toolkit.models.families:family_table",
    "new": "verbs.new",
    "open_remote": "session",
    "open_store": "session",
    "preview": "verbs.plan",
    "render": "verbs.render",
    "run": "verbs.run",
    "schema": "verbs.schema:json_schema",
    "sign_bundle": "toolkit.bundle.sign:sign",
    "tune": "verbs.tune",
    "ui_server": "ui.server:server",
    "verify_bundle": "toolkit.bundle.verify:verify",
    "write_report": "verbs.report:write",
}
"""Where each name lives, and what it is called there if that is something else."""

__all__ = [
    "Board",
    "Build",
    "Builds",
    "CheckError",
    "Checked",
    "Draft",
    "Event",
    "Family",
    "MissingError",
    "Options",
    "RecipeError",
    "RecipebuildError",
    "StepError",
    "Tuned",
    "__version__",
    "accept",
    "add_board",
    "board_doctor",
    "cache_gc",
    "cache_pull",
    "cache_push",
    "cache_stats",
    "cache_verify",
    "check",
    "describe",
    "doctor",
    "estimate",
    "explain",
    "graph",
    "import_",
    "inspect",
    "list_boards",
    "lock",
    "models",
    "new",
    "open_remote",
    "open_store",
    "preview",
    "render",
    "run",
    "schema",
    "sign_bundle",
    "tune",
    "ui_server",
    "verify_bundle",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home, _, called = _HOMES[name].partition(":")
    return getattr(import_module(f"{__name__}.{home}"), called or name)


def __dir__() -> list[str]:
    return __all__
