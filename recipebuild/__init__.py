"""recipebuild: a YAML recipe in, a checked and packaged NPU model out.

Every verb of the command line, for Python: ``recipebuild.run("recipes/x.yaml")``. docs/python.md lists them. They are
loaded when they are first asked for, so that ``import recipebuild`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recipebuild._version import __version__
    from recipebuild.accepted import accept
    from recipebuild.begin import Draft, new
    from recipebuild.board.boards import Board, add_board
    from recipebuild.board.boards import load_boards as list_boards
    from recipebuild.board.doctor import doctor as board_doctor
    from recipebuild.bringing import bring as import_config
    from recipebuild.build import Build, run
    from recipebuild.bundle.sign import sign as sign_bundle
    from recipebuild.bundle.verify import verify as verify_bundle
    from recipebuild.dryrun import Checked, check, explain, picture, preview, render
    from recipebuild.engine.events import Event
    from recipebuild.engine.exchange import pull as cache_pull
    from recipebuild.engine.exchange import push as cache_push
    from recipebuild.engine.upkeep import collect as cache_gc
    from recipebuild.engine.upkeep import usage as cache_stats
    from recipebuild.engine.upkeep import verify as cache_verify
    from recipebuild.errors import CheckError, MissingError, RecipebuildError, RecipeError, StepError
    from recipebuild.estimate import estimate as estimate_latency
    from recipebuild.graph.describe import describe
    from recipebuild.health.examine import examine as doctor
    from recipebuild.lock import lock as write_lock
    from recipebuild.models.families import family_table as list_families
    from recipebuild.prepare import Options, open_remote, open_store
    from recipebuild.pulsar2.inspect import inspect
    from recipebuild.recipe.json_schema import json_schema
    from recipebuild.reports import write as write_report
    from recipebuild.tune import Tuned
    from recipebuild.tune import tune as tune_recipe
    from recipebuild.ui.builds import Builds
    from recipebuild.ui.server import server as ui_server

_HOMES = {
    "Board": "board.boards",
    "Build": "build",
    "Builds": "ui.builds",
    "CheckError": "errors",
    "Checked": "dryrun",
    "Draft": "begin",
    "Event": "engine.events",
    "MissingError": "errors",
    "Options": "prepare",
    "RecipeError": "errors",
    "RecipebuildError": "errors",
    "StepError": "errors",
    "Tuned": "tune",
    "__version__": "_version",
    "accept": "accepted",
    "add_board": "board.boards",
    "board_doctor": "board.doctor:doctor",
    "cache_gc": "engine.upkeep:collect",
    "cache_pull": "engine.exchange:pull",
    "cache_push": "engine.exchange:push",
    "cache_stats": "engine.upkeep:usage",
    "cache_verify": "engine.upkeep:verify",
    "check": "dryrun",
    "describe": "graph.describe",
    "doctor": "health.examine:examine",
    "estimate_latency": "estimate:estimate",
    "explain": "dryrun",
    "import_config": "bringing:bring",
    "inspect": "pulsar2.inspect",
    "json_schema": "recipe.json_schema",
    "list_boards": "board.boards:load_boards",
    "list_families": "models.families:family_table",
    "new": "begin",
    "open_remote": "prepare",
    "open_store": "prepare",
    "picture": "dryrun",
    "preview": "dryrun",
    "render": "dryrun",
    "run": "build",
    "sign_bundle": "bundle.sign:sign",
    "tune_recipe": "tune:tune",
    "ui_server": "ui.server:server",
    "verify_bundle": "bundle.verify:verify",
    "write_lock": "lock:lock",
    "write_report": "reports:write",
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
    "estimate_latency",
    "explain",
    "import_config",
    "inspect",
    "json_schema",
    "list_boards",
    "list_families",
    "new",
    "open_remote",
    "open_store",
    "picture",
    "preview",
    "render",
    "run",
    "sign_bundle",
    "tune_recipe",
    "ui_server",
    "verify_bundle",
    "write_lock",
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
