"""What a step holds while it runs: its key, so that nothing is built twice, and a slot of each scarce resource.

All are locks on files of the store, so they hold between processes, and end with the process that has them. A scarce
resource is the machine's and not the store's: its slots are locked in a folder of the user's as well, so that runs with
another store wait, too.
"""

from __future__ import annotations

import contextlib
import os
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
        machine: The folder where runs of this user's with other stores see which resources are held.
    """

    def __init__(self, folder: Path, slots: Mapping[str, int], machine: Path | None = None) -> None:
        self._folder = folder
        self._slots = slots
        self._machine = machine

    def take(self, key: str, resources: Iterable[str]) -> Claim:
        """Claim a key and a slot of each resource, or nothing.

        Raises:
            TakenError: If one of them is not to be had now.
            RecipeError: If the folder, or a lock of another user's, cannot be written.
        """
        claim = Claim()
        try:
            self._one_of(claim, self._folder, [key], "")
            for name in sorted(resources):
                slots = [f"{name}.{slot}" for slot in range(self._slots.get(name, 1))]
                for folder in self._places():
                    self._one_of(claim, folder, slots, name)
        except BaseException:
            claim.release()
            raise
        return claim

    def _places(self) -> list[Path]:
        """Where slots are locked: with no home to write to, in the store alone."""
        if self._machine is None or self._machine == self._folder:
            return [self._folder]
        with contextlib.suppress(OSError):
            self._machine.mkdir(parents=True, exist_ok=True)
        return [self._folder, self._machine] if os.access(self._machine, os.W_OK) else [self._folder]

    def _one_of(self, claim: Claim, folder: Path, names: Iterable[str], what: str) -> None:
        for name in names:
            path = folder / name
            try:
                lock = acquire(path)
            except OSError as error:
                raise disk_full(error, folder) or RecipeError(
                    f"the lock {path} cannot be taken: {error.strerror}",
                    remedy="docs/cluster.md explains shared stores; or use another with --store DIR",
                ) from error
            if lock is not None:
                claim.locks[path] = lock
                return
        raise TakenError(what)
