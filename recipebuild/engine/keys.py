"""Step keys: what a step's result depends on, and the digest of it.

The ingredients are the step's name, its parameters, the digests of its inputs, the versions of the distributions that
it declares, other facts such as an image id, and the digest of its own code. Inputs count by content: an unchanged
output stops the propagation of a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipebuild.engine.code import Modules, module_path
from recipebuild.engine.digest import digest_json
from recipebuild.engine.installed import installed_version
from recipebuild.engine.record import Record
from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.step import Output, Source, Step
from recipebuild.errors import StepError


class Keys:
    """Makes keys; remembers, for one run, what many steps share: code, sources."""

    def __init__(self, stats: StatCache) -> None:
        self.stats = stats
        self._modules = Modules(stats)
        self._codes: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {}
        self._sources: dict[str, str] = {}

    def ingredients(self, step: Step, records: Mapping[str, Record]) -> dict[str, Any]:
        """What ``step``'s result depends on, given the records of the steps before it.

        Raises:
            StepError: If an input cannot be read, or an earlier step lacks the output that is asked of it.
        """
        inputs = {
            name: records[input_.step].digest(input_.name) if isinstance(input_, Output) else self._source(name, input_)
            for name, input_ in step.inputs.items()
        }
        return {
            "step": step.name,
            "params": dict(step.params),
            "inputs": inputs,
            "tools": {tool: installed_version(tool) for tool in step.tools},
            "facts": dict(step.facts),
            "code": self.code(step),
        }

    @staticmethod
    def key(ingredients: Mapping[str, Any]) -> str:
        """The key that the ingredients make."""
        return digest_json(ingredients)

    def code(self, step: Step) -> str:
        """The digest of all code that ``step``'s result depends on.

        Raises:
            ModuleNotFoundError: If there is no source file for the step's module.
            SyntaxError: If this Python cannot read a module.
        """
        return self._code(step)[0]

    def code_parts(self, step: Step) -> dict[str, str]:
        """The digest of each module that ``step``'s code is made of, by name; the key has the digest of this."""
        return self._code(step)[1]

    def changed(self, step: Step, ingredients: Mapping[str, Any]) -> str | None:
        """The name of an input from outside the store that is no longer what it was when the key was made."""
        for name, input_ in step.inputs.items():
            if isinstance(input_, Source):
                self._sources.pop(str(input_.path), None)
                if self._source(name, input_) != ingredients["inputs"][name]:
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

    def _code(self, step: Step) -> tuple[str, dict[str, str]]:
        modules = (step.module, *step.extensions)
        if modules not in self._codes:
            parts = self._modules.parts(step.module)
            for extension in step.extensions:
                for module in (extension, extension.partition(".")[0]):  # its package's __init__ runs, too
                    if module_path(module):  # of what is compiled the version alone tells
                        parts |= self._modules.parts(module)
            self._codes[modules] = digest_json(parts), parts
        return self._codes[modules]
