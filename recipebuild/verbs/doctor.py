"""``doctor``: what this machine has of what builds need; what takes its time is looked at side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from recipebuild.engine.store import own_store
from recipebuild.errors import RecipeError
from recipebuild.toolkit.board.boards import Board, load_boards
from recipebuild.toolkit.board.doctor import Line
from recipebuild.toolkit.board.doctor import doctor as examine_board
from recipebuild.verbs.health import packages, places, tools
from recipebuild.verbs.health.hub import hub


def doctor(store: Path | None = None, *, toolchain: bool = False) -> list[Line]:
    """Look at this machine: Python, packages, torch, Pulsar2, the hub, the store, boards.

    Args:
        store: The store's folder; by default the user's own.
        toolchain: Ask Pulsar2 for the proto of its configuration, too, and keep it for ``check``.

    Returns:
        A line for each thing. ``fail`` is only what ``run`` cannot do without.
    """
    names = tools.gpus()
    parts: list[Callable[[], Iterable[Line]]] = [
        lambda: [packages.python()],
        packages.packages,
        lambda: [line for line in [packages.torch(bool(names))] if line],
        tools.pulsar2,
        lambda: [tools.containers()],
        lambda: [hub()],
        lambda: [places.store(store or own_store())],
        lambda: [places.machine()],
        lambda: [tools.gpu(names)],
        boards,
        *([lambda: [tools.proto(own_store())]] if toolchain else []),
    ]
    with ThreadPoolExecutor(len(parts)) as pool:
        return [line for lines in pool.map(lambda part: list(part()), parts) for line in lines]


def boards() -> Iterable[Line]:
    """A line for each board of the book; none of them keeps anything from being built."""
    try:
        known = sorted(load_boards().items())
    except RecipeError as error:
        return [Line("boards", "warn", error.message, error.remedy)]
    if not known:
        return [Line("boards", "ok", "none added: recipebuild board add NAME --host USER@HOST adds one")]
    with ThreadPoolExecutor(len(known)) as pool:
        return list(pool.map(lambda item: _board(*item), known))


def _board(name: str, board: Board) -> Line:
    lines = examine_board(board)
    faults = [line for line in lines if line.state != "ok"]
    if not faults:
        return Line(f"board {name}", "ok", f"{board.host} answers, all is there")
    first = max(faults, key=lambda line: line.state == "fail")
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return Line(f"board {name}", "warn", f"{first.what}: {first.found}{more}", f"recipebuild board doctor {name}")
