"""``cache``: the store looked after, and its results moved to and from a remote one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recipebuild.engine import exchange
from recipebuild.engine.exchange import Moved
from recipebuild.engine.upkeep import Freed, StoreVerdict, Usage, collect
from recipebuild.engine.upkeep import usage as count
from recipebuild.engine.upkeep import verify as verify_store
from recipebuild.errors import RecipeError
from recipebuild.report.units import size
from recipebuild.session import Options, open_remote, open_store, prepare

__all__ = ["Moved", "Options", "gc", "pull", "push", "size", "stats", "verify"]


def stats(options: Options) -> tuple[str, Usage]:
    """The store's folder, and how much it holds."""
    store = open_store(options)
    return str(store.root), count(store)


def verify(options: Options) -> StoreVerdict:
    """Read every byte of the store; what is damaged is removed."""
    return verify_store(open_store(options))


def gc(options: Options, *, max_bytes: int | None = None, older_than: float | None = None) -> Freed:
    """Make room in the store.

    Args:
        options: Which store.
        max_bytes: How much may be left.
        older_than: Seconds since the last use, past which a result goes.
    """
    return collect(open_store(options), max_bytes=max_bytes, older_than=older_than)


def push(recipes: Sequence[str] | None, options: Options) -> Moved:
    """Copy results of recipes, or all that there are, to the remote store that the options name.

    Raises:
        RecipeError: If a recipe is wrong, or no remote store is named.
    """
    return _move(exchange.push, recipes, options)


def pull(recipes: Sequence[str] | None, options: Options) -> Moved:
    """Copy results of recipes, or all that there are, from the remote store that the options name.

    Raises:
        RecipeError: If a recipe is wrong, or no remote store is named.
    """
    return _move(exchange.pull, recipes, options)


def _move(move: Callable[..., Moved], recipes: Sequence[str] | None, options: Options) -> Moved:
    remote = open_remote(options)
    if remote is None:
        raise RecipeError(
            f"--store {options.store} is no remote store", remedy="name a URL, such as s3://bucket/prefix"
        )
    steps = [step for job in prepare(recipes, options) for step in job.plan.steps] if recipes else None
    store = open_store(options)
    try:
        return move(store, remote, steps)
    finally:
        store.close()
