"""Step keys: what a step's result depends on, and the digest of it.

The ingredients are the step's name, its parameters, the digests of its inputs, the versions of the distributions that
it declares, other facts such as an image id, and the digest of its own code. Inputs count by content: an unchanged
output stops the propagation of a change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from recipebuild.engine.code import Modules, code_parts
from recipebuild.engine.digest import digest_json, digest_source
from recipebuild.engine.record import Record
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.step import Output, Source, Step
from recipebuild.errors import StepError


@dataclass
class Keys:
    """Makes keys; remembers, for one run, what many steps share: code, sources."""

    stats: StatCache
    _modules: Modules = field(default_factory=dict)
    _codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    _sources: dict[str, str] = field(default_factory=dict)

    def ingredients(self, step: Step, records: Mapping[str, Record]) -> dict[str, Any]:
        """What ``step``'s result depends on, given the records of the steps before it.

        Raises:
            StepError: If an input cannot be read, or an earlier step lacks the output that is asked of it.
        """
        inputs = {
            name: records[given.step].digest(given.name) if isinstance(given, Output) else self._source(name, given)
            for name, given in step.inputs.items()
        }
        return {
            "step": step.name,
            "params": dict(step.params),
            "inputs": inputs,
            "tools": {tool: installed_version(tool) for tool in step.tools},
            "facts": dict(step.facts),
            "code": self._code(step.module)[0],
        }

    @staticmethod
    def key(ingredients: Mapping[str, Any]) -> str:
        """The key that the ingredients make."""
        return digest_json(ingredients)

    def code_parts(self, step: Step) -> dict[str, str]:
        """The digest of each module that ``step``'s code is made of, by name; the key has the digest of this."""
        return self._code(step.module)[1]

    def changed(self, step: Step, ingredients: Mapping[str, Any]) -> str | None:
        """The name of an input from outside the store that is no longer what it was when the key was made."""
        for name, given in step.inputs.items():
            if isinstance(given, Source):
                self._sources.pop(str(given.path), None)
                if self._source(name, given) != ingredients["inputs"][name]:
                    return name
        return None

    def _source(self, name: str, source: Source) -> str:
        place = str(source.path)
        if place not in self._sources:
            try:
                self._sources[place] = digest_source(source.path, self.stats)
            except OSError as error:
                raise StepError(f"{name}: cannot read {error.filename or place}: {error.strerror}") from error
        return self._sources[place]

    def _code(self, module: str) -> tuple[str, dict[str, str]]:
        if module not in self._codes:
            parts = code_parts(module, self.stats, self._modules)
            self._codes[module] = digest_json(parts), parts
        return self._codes[module]


@cache
def installed_version(distribution: str) -> str:
    """The version of a Python distribution, read from its metadata; ``""`` if it is not installed."""
    from importlib import metadata

    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return ""
    headers = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    line = re.search("^Version: *(.*)$", headers, re.MULTILINE)  # parsing all of it, as `version` does, takes 20 times
    return line[1].strip() if line else ""
