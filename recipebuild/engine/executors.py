"""By name: what runs steps."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from recipebuild.engine.executor import Executor
from recipebuild.engine.pool import Pool
from recipebuild.engine.remote import Remote
from recipebuild.errors import MissingError, RecipeError

_ADDRESSES = ("tcp://", "tls://", "ucx://", "ws://", "wss://")


def open_executor(name: str, jobs: int, resources: Mapping[str, int], remote: Remote | None) -> Executor:
    """What runs steps; it starts nothing, and reaches for nothing, before there is a step to run.

    Args:
        name: ``local``: worker processes of this run. ``dask``: a Dask cluster of this machine. Else the address of
            a Dask scheduler, such as ``tcp://host:8786``.
        jobs: How many steps may run at once here.
        resources: The scarce things that steps hold, and how many of each this machine has.
        remote: The store through which workers elsewhere exchange results; without one, the local store's folder
            is the place that all see.

    Raises:
        RecipeError: If there is no such executor.
        MissingError: If it needs packages that are not installed.
    """
    if name == "local":
        return Pool(jobs)
    if name != "dask" and not name.startswith(_ADDRESSES):
        raise RecipeError(f"--executor {name}: no such executor", remedy="local, dask or tcp://host:8786")
    if not find_spec("distributed"):
        raise MissingError(
            f"--executor {name} needs the Python package distributed, which is not installed",
            remedy="pip install '.[dask]' in a checkout",
        )
    from recipebuild.engine.dask_pool import DaskPool

    return DaskPool(None if name == "dask" else name, jobs, resources, remote)
