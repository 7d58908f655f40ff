"""Which builds there are: in the build folder, and wherever else the store's runs have left one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from recipebuild.report.page.built import MANIFEST, Built, builds, is_manifest
from recipebuild.results.event_log import EVENTS, is_running


@dataclass(frozen=True)
class ListedBuild:
    """A build.

    Attributes:
        id: What it is called in addresses; unique.
        folder: Its build folder.
        manifest: Its manifest; ``None`` if its first run has not ended yet.
        running: Whether a run is at work on it.
    """

    id: str
    folder: Path
    manifest: Mapping[str, Any] | None
    running: bool

    @property
    def name(self) -> str:
        """The recipe's name, as far as it is known."""
        return str(self.manifest["recipe"]) if self.manifest else self.folder.name

    @property
    def entries(self) -> list[Built]:
        """The entries of its matrix; none before its first run has ended."""
        return builds(self.manifest, self.folder) if self.manifest else []

    @property
    def finished(self) -> float:
        """When its last run ended, in seconds since 1970; 0 before that."""
        try:
            return (self.folder / MANIFEST).stat().st_mtime
        except OSError:
            return 0.0


@dataclass(frozen=True)
class Builds:
    """All builds of a build folder and of a store; looked for anew at each question.

    Attributes:
        build_dir: The folder with a folder for each build.
        store: The store's folder.
    """

    build_dir: Path
    store: Path

    def all(self) -> list[ListedBuild]:
        """The builds, by name."""
        taken: dict[str, ListedBuild] = {}
        for folder in self._folders():
            id_ = folder.name
            if id_ in taken:
                id_ += f"-{sha256(str(folder).encode()).hexdigest()[:8]}"
            manifest, running = _manifest(folder), is_running(folder)
            if manifest or running:
                taken[id_] = ListedBuild(id_, folder, manifest, running)
        return sorted(taken.values(), key=lambda build: (build.name, build.id))

    def find(self, id_: str) -> ListedBuild | None:
        """The build of that id."""
        return next((build for build in self.all() if build.id == id_), None)

    def state(self) -> list[tuple[str, float, bool]]:
        """What changes when a run begins or ends."""
        return [(build.id, build.finished, build.running) for build in self.all()]

    def _folders(self) -> Iterator[Path]:
        seen = set()
        for folder in [*self._here(), *self._elsewhere()]:
            if folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield folder

    def _here(self) -> list[Path]:
        folders = self.build_dir.absolute().glob("*")
        return sorted(folder for folder in folders if (folder / MANIFEST).is_file() or (folder / EVENTS).is_file())

    def _elsewhere(self) -> list[Path]:
        """The places that runs with this store noted (see ``engine/upkeep.py``)."""
        folders = []
        for root in sorted(self.store.glob("roots/*")):
            try:
                folders.append(Path(root.read_text(encoding="utf-8")).parent)
            except (OSError, ValueError):
                continue
        return sorted(folder for folder in folders if folder.is_absolute() and (folder / MANIFEST).is_file())


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        value = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if is_manifest(value) else None
