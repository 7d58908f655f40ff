"""What a step holds while it runs: its key, so that nothing is built twice, and a slot of each scarce resource.

All are locks on files of the store, so they hold between processes, and end with the process that has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recipebuild.engine.locks import acquire, release
from recipebuild.errors import RecipeError, disk_full


@dataclass
class Claim:
    """Locks that are held, by the file that each is on."""

    locks: dict[Path, int] = field(default_factory=dict)

    def release(self) -> None:
        """Give all of them back."""
        self.release_all_but("")

    def release_all_but(self, name: str) -> None:
        """Give back all but the lock on the file ``name``."""
        for path in [path for path in self.locks if path.name != name]:
            release(self.locks.pop(path), path)


class TakenError(Exception):
    """Somebody else holds it; ``what`` is the resource's name, or ``""`` for the key itself."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Claims:
    """The claims that can be made in one store.

    Args:
        folder: The store's ``locks`` folder.
        slots: How many steps may hold a resource at once, by its name; one where nothing is said.
    """

    def __init__(self, folder: Path, slots: Mapping[str, int]) -> None:
        self._folder = folder
        self._slots = slots

    def take(self, key: str, resources: Iterable[str]) -> Claim:
        """Claim a key and a slot of each resource, or nothing.

        Raises:
            TakenError: If one of them is not to be had now.
            RecipeError: If the folder, or a lock of another user's, cannot be written.
        """
        claim = Claim()
        try:
            self._one_of(claim, [key], "")
            for name in sorted(resources):
                slots = self._slots.get(name, 1)
                self._one_of(claim, [f"{name}.{slot}" for slot in range(slots)], name)
        except BaseException:
            claim.release()
            raise
        return claim

    def _one_of(self, claim: Claim, names: Iterable[str], what: str) -> None:
        for name in names:
            path = self._folder / name
            try:
                lock = acquire(path)
            except OSError as error:
                raise disk_full(error, self._folder) or RecipeError(
                    f"the lock {path} cannot be taken: {error.strerror}",
                    remedy="docs/cluster.md has how users share a store; or name another with --store DIR",
                ) from error
            if lock is not None:
                claim.locks[path] = lock
                return
        raise TakenError(what)
