"""The digest of a step's own code, so that nobody has to remember to raise a version number.

It covers the normalized source of the step's module and of the modules of the same top-level package that it imports,
transitively, whether at the top or inside a function. Comments, docstrings, formatting and imports under
``if TYPE_CHECKING:`` do not count. A data file that lies beside a module and is named in it (``"families.yaml"``), or a
folder of them (``"families/"``), counts as part of that module. If the folder is a package (``"faster/"``), its modules
count as imported by name, one by one: so a module may import them by names that it reads from a table. Nothing is
imported to find this out.

Importing ``a.b.c`` runs ``a/b/__init__.py``, so that counts, too. ``a/__init__.py`` does so only where a name of its
own is imported: what a package says of itself to the world would otherwise be part of every step.
"""

from __future__ import annotations

import ast
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import PathFinder
from os.path import isdir, isfile
from pathlib import Path
from typing import Any, NamedTuple

from recipebuild.engine.digest import digest_json
from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.syntax import VERSION, canonical_syntax

_PARSING = threading.RLock()
"""Two threads must not parse at once: where a garbage collection switches between them, that is a SystemError, up to
Python 3.11.7 and 3.12.1 (github.com/python/cpython/issues/106905)."""

_IN_MEMORY = StatCache(None)
"""What this process has read: all of our code takes seconds, and a store that is not there yet remembers nothing."""

_DATA = (".yaml", ".yml", ".json", ".csv", ".txt", ".j2")


def code_parts(module: str, stats: StatCache) -> dict[str, str]:
    """The digest of each module of its package that ``module`` reaches, itself included, by the module's name.

    Raises:
        ModuleNotFoundError: If there is no source file for ``module``.
        SyntaxError: If this Python cannot read a module.
    """
    return Modules(stats).parts(module)


class _Module(NamedTuple):
    """One module.

    Attributes:
        digest: Of its code and data.
        imports: The names that it takes from each module.
        is_package: Whether it is an ``__init__.py``.
    """

    digest: str
    imports: Mapping[str, list[str]]
    is_package: bool


class Modules:
    """The modules that steps are made of; each is looked at once."""

    def __init__(self, stats: StatCache) -> None:
        self._stats = stats
        self._known: dict[str, _Module | None] = {}
        self._reached: dict[str, list[str]] = {}

    def parts(self, module: str) -> dict[str, str]:
        """As ``code_parts``."""
        if self._module(module) is None:
            raise ModuleNotFoundError(f"no source file for the module {module}", name=module)
        parts: dict[str, str] = {}
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name not in parts and (source := self._module(name)):
                parts[name] = source.digest
                if name not in self._reached:
                    self._reached[name] = [i for one in source.imports.items() for i in self._run_by(*one)]
                waiting += self._reached[name]
        return parts

    def _run_by(self, base: str, names: list[str]) -> Iterator[str]:
        """The modules that run when ``names`` are imported from ``base``."""
        holder = self._module(base)
        below: list[str] = []
        if holder is None or holder.is_package:
            below = [f"{base}.{name}" for name in names if self._module(f"{base}.{name}")]
        yield from below
        if "." in base or len(below) < len(names):
            yield base
        while base.count(".") > 1:
            base = base.rpartition(".")[0]
            yield base

    def _module(self, name: str) -> _Module | None:
        """The module, or ``None`` if it has no source file."""
        if name not in self._known:
            file = _file(name)
            self._known[name] = None if file is None else _remembered(name, file, self._stats)
        return self._known[name]


def module_path(module: str) -> Path | None:
    """The source file of ``module``, found without importing it or its parents; ``None`` if there is none."""
    file = _file(module)
    return None if file is None else Path(file)


def _file(module: str) -> str | None:
    """The same as text: every run asks it of each module, and a Path takes ten times as long."""
    top, *rest = module.split(".")
    for root in _top_level(top):
        place = "/".join((root, *rest))
        for candidate in (f"{place}.py", f"{place}/__init__.py"):
            if isfile(candidate):  # noqa: PTH113
                return candidate
    return None


@cache
def _top_level(package: str) -> tuple[str, ...]:
    """The folders of a package; of a module that is no package, its path without the suffix."""
    spec = PathFinder.find_spec(package)
    if spec is None:  # some packages that are installed in place have a finder of their own
        from importlib.util import find_spec

        spec = find_spec(package)
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(spec.submodule_search_locations)
    return (str(Path(spec.origin).with_suffix("")),) if spec.origin else ()


def _remembered(name: str, file: str, stats: StatCache) -> _Module:
    """The module, read only if it changed since. What it names may have come or gone meanwhile: that is looked up."""
    kind = f"code-{VERSION}"
    text = stats.get(file, kind, lambda: _IN_MEMORY.get(file, kind, lambda: json.dumps(_read(name, Path(file)))))
    known = json.loads(text)
    digest, imports = known["digest"], known["imports"]
    is_package = file.endswith("/__init__.py")
    package = name if is_package else name.rpartition(".")[0]
    folder = file.rpartition("/")[0]  # as text: every run comes by here for each module
    data = []
    for named in known["data"]:
        place = f"{folder}/{named}"
        if package and named.endswith("/") and isfile(f"{place}__init__.py"):  # noqa: PTH113
            below = f"{package}.{named[:-1]}"
            modules = (entry.removesuffix(".py") for entry in stats.names(place) if not entry.startswith("__"))
            imports[below] = sorted({*imports.get(below, ()), *modules})
        elif (isdir if named.endswith("/") else isfile)(place):
            data.append(Path(place))
    if data:
        digest = digest_json([digest, [digest_source(path, stats) for path in data]])
    return _Module(digest, imports, is_package)


def _read(name: str, path: Path) -> dict[str, Any]:
    """What follows from a module's source alone: its digest, its imports, and what may be names of data."""
    with _PARSING:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    top = name.partition(".")[0]
    imports: dict[str, set[str]] = {}
    texts: set[str] = set()
    for node in _strip(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == top:
                    imports.setdefault(alias.name, set()).add("*")  # any of its names may be used
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            if base.partition(".")[0] == top:
                imports.setdefault(base, set()).update(alias.name for alias in node.names)
    return {
        "digest": hashlib.sha256(canonical_syntax(tree, texts).encode()).hexdigest(),
        "imports": {base: sorted(imports[base]) for base in sorted(imports)},
        "data": sorted(filter(_may_be_data, texts)),
    }


def _may_be_data(value: str) -> bool:
    if value.endswith("/"):
        return value[:-1].isidentifier()
    return value.endswith(_DATA) and "/" not in value and "\0" not in value


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


def _strip(holder: ast.AST) -> Iterator[ast.AST]:
    """Take away, in place, what does not change what code does: docstrings, and imports for the type checker.

    Only statements are looked at, which are a seventh of a tree's nodes; those that stay are given, outermost first.
    """
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        block = getattr(holder, name, None)
        if isinstance(block, list):  # of a lambda, the body is an expression
            block[:] = [statement for each in block for statement in _kept(each)]
            for statement in block:
                yield statement
                yield from _strip(statement)


def _kept(node: ast.AST) -> list[ast.AST]:
    """What stays of a statement, in its place."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return [kept for other in node.orelse for kept in _kept(other)]
    # A string that stands alone is a docstring, or a remark after an attribute: it has no effect.
    alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return [] if alone else [node]
