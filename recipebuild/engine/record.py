"""The record of a step that succeeded: what went in, what came out, how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recipebuild.engine.digest import digest_listing
from recipebuild.errors import StepError


@dataclass(frozen=True)
class Blob:
    """One output file of a step: its name in the step's folder, its content's digest, its size in bytes."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Record:
    """An action: a step that succeeded.

    Attributes:
        key: The step's key, the sha256 of its ingredients.
        ingredients: What the key was made of: step, parameters, input digests, tools, code.
        outputs: The files that the step wrote, by name.
        metrics: The figures that the step returned.
        seconds: How long it ran.
        log: The digest of its log.
        label: Who asked for it first: the recipe's name and the step's.
        finished: When it ended, ISO 8601 UTC.
    """

    key: str
    ingredients: Mapping[str, Any]
    outputs: tuple[Blob, ...]
    metrics: Mapping[str, Any]
    seconds: float
    log: Blob
    label: str = ""
    finished: str = ""
    _digests: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def select(self, name: str) -> list[Blob]:
        """The outputs that ``name`` stands for (see ``Output``).

        Raises:
            StepError: If there are none.
        """
        chosen = [b for b in self.outputs if b.name == name or b.name.startswith((f"{name}/", f"{name}."))]
        if not chosen:
            have = ", ".join(b.name for b in self.outputs) or "nothing"
            raise StepError(f"the step {self.label} has no output {name}; it wrote {have}")
        return chosen

    def digest(self, name: str) -> str:
        """The digest of the output ``name``: of the file, or of the listing where it stands for several."""
        if name not in self._digests:
            chosen = self.select(name)
            single = len(chosen) == 1 and chosen[0].name == name
            listing = [(b.name, b.sha256) for b in chosen]
            self._digests[name] = chosen[0].sha256 if single else digest_listing(listing)
        return self._digests[name]


def record_as_json(record: Record) -> dict[str, Any]:
    """``record`` as it stands in ``actions/<key>.json``."""
    value = {name: entry for name, entry in vars(record).items() if name != "_digests"}
    return {**value, "outputs": [vars(blob) for blob in record.outputs], "log": vars(record.log)}


def read_record(value: dict[str, Any]) -> Record:
    """A record from the JSON of ``actions/<key>.json``.

    Raises:
        KeyError, TypeError: If it is not what ``record_as_json`` writes.
    """
    outputs = tuple(Blob(**blob) for blob in value.pop("outputs"))
    return Record(outputs=outputs, log=Blob(**value.pop("log")), **value)
