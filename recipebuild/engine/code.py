"""The digest of a step's own code, so that nobody has to remember to raise a version number.

It covers the normalized source of the step's module and of the modules of the same top-level package that it imports,
transitively, whether at the top or inside a function. Comments, docstrings, formatting and imports under
``if TYPE_CHECKING:`` do not count. A data file that lies beside a module and is named in it (``"families.yaml"``), or a
folder of them (``"families/"``), counts as part of that module. Nothing is imported to find this out.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from recipebuild.engine.digest import digest_json, digest_source
from recipebuild.engine.statcache import StatCache

_DATA = (".yaml", ".yml", ".json", ".csv", ".txt", ".j2")


Modules = dict[str, tuple[str, list[str]] | None]
"""What is known of modules: digest and imports; ``None`` for those that have no source file."""


def code_parts(module: str, stats: StatCache, known: Modules | None = None) -> dict[str, str]:
    """The digest of each module of its package that ``module`` reaches, itself included, by the module's name.

    Modules that are in ``known`` are not looked at again, and those that were looked at are added to it.

    Raises:
        ModuleNotFoundError: If there is no source file for ``module``.
    """
    known = {} if known is None else known
    parts: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in parts:
            continue
        if name not in known:
            path = module_path(name)
            known[name] = None if path is None else _module(name, path, stats)
        if found := known[name]:
            parts[name], imports = found
            waiting += imports
        elif name == module:
            raise ModuleNotFoundError(f"no source file for the module {name}", name=name)
    return parts


def module_path(module: str) -> Path | None:
    """The source file of ``module``, found without importing it or its parents; ``None`` if there is none."""
    top, *rest = module.split(".")
    root = _top_level(top)
    if root is None:
        return None
    path = root.joinpath(*rest)
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _top_level(package: str) -> Path | None:
    spec = PathFinder.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin.with_suffix("")


def _module(name: str, path: Path, stats: StatCache) -> tuple[str, list[str]]:
    """The digest of one module with its data files, and the names that it imports."""
    found = json.loads(stats.get(path, "code", lambda: json.dumps(_read(name, path))))
    digest = found["digest"]
    if found["data"]:
        digest = digest_json([digest, [digest_source(path.parent / data, stats) for data in found["data"]]])
    return digest, found["imports"]


def _read(name: str, path: Path) -> dict[str, object]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    data: set[str] = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = _Normalize().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            imports |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and _is_data(node.value, path.parent):
            data.add(str(node.value))
    top = name.partition(".")[0]
    ours = sorted(i for i in imports if i.startswith(f"{top}.") and module_path(i) is not None)
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return {"digest": digest, "imports": ours, "data": sorted(data)}


def _is_data(value: object, folder: Path) -> bool:
    if not isinstance(value, str) or "/" in value[:-1]:
        return False
    if value.endswith("/"):
        return value[:-1].isidentifier() and (folder / value).is_dir()
    return value.endswith(_DATA) and (folder / value).is_file()


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


class _Normalize(ast.NodeTransformer):
    """Takes away what does not change what code does: docstrings, and imports for the type checker."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(other) for other in node.orelse]
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        # A string that stands alone is a docstring, or a remark after an attribute: it has no effect.
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)
