"""What steps declare, held against what their code imports."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from recipebuild.engine.code import Modules, module_path
from recipebuild.engine.statcache import StatCache
from recipebuild.plan.kinds import KINDS

EVERYWHERE = {
    "pydantic": "checks parameters, which the plan wrote; `configure` and `bundle` write what it makes of values",
    "pyyaml": "reads tables of ours that say nothing in which versions could differ",
    "tqdm": "its bars become progress",
}
"""Distributions that steps import and that change no result, with the reason."""

_TEXT = "only of text, where the step tokens names it among the tools that the bundle takes over"
_NOISE = "only asks whether an interval holds 0"

EXCEPT = {
    "fetch": {
        "huggingface-hub": "brings files as they are; which ones, the revision says",
        "onnx": "refuses what no build can begin with; what it copies stays the same message",
        "onnxruntime": "tells whether it runs the opset, to refuse one that it does not; nothing of it is copied",
    },
    "verify": {
        "onnx-graphsurgeon": "only the head's parameters are used of the module that adds one",
        "torchmetrics": "only the rungs' names are used of the module that climbs them",
    },
    "bundle": {
        "onnx-graphsurgeon": "only the head's parameters are used of the module that adds one",
        "transformers": _TEXT,
    },
    "judge": {"numpy": _NOISE},
    "judge-board": {"numpy": _NOISE},
}
"""The same of single steps: what they reach and never call."""


def normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def modules() -> Modules:
    return Modules(StatCache(None))


@cache
def imported(module: str) -> frozenset[str]:
    """The top-level packages of others that a module of ours imports when it runs, at its top or inside functions."""
    path = module_path(module)
    assert path is not None
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return frozenset(names - sys.stdlib_module_names - {"recipebuild"})


@cache
def distributions() -> dict[str, list[str]]:
    return {package: [normalized(name) for name in names] for package, names in packages_distributions().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_declares_all_that_its_code_imports(kind: str) -> None:
    declared = {*KINDS[kind].tools, *EVERYWHERE, *EXCEPT.get(kind, {})}
    missing = {
        f"{package} in {module}"
        for module in modules().parts(KINDS[kind].module)
        for package in imported(module)
        if declared.isdisjoint(distributions().get(package, [normalized(package)]))
    }
    assert not missing, (
        f"declare it in plan/kinds.py, import it elsewhere, or say here why it changes no result: {missing}"
    )


@pytest.mark.parametrize("kind", EXCEPT)
def test_no_exception_outlives_its_import(kind: str) -> None:
    packages = {package for module in modules().parts(KINDS[kind].module) for package in imported(module)}
    reached = {name for package in packages for name in distributions().get(package, [normalized(package)])}
    assert EXCEPT[kind].keys() <= reached - set(KINDS[kind].tools)


ENGINE = {"", ".progress", ".digest", ".installed"}
"""What steps may take of the engine: how it works is no part of what they make."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_does_not_run_again_for_a_change_of_the_engine(kind: str) -> None:
    reached = {name.removeprefix("recipebuild") for name in modules().parts(KINDS[kind].module)}
    floors = ("engine", "plan", "recipe", "session", "results", "verbs", "report", "cli", "ui")
    assert {name for name in reached if name.split(".")[1:2] and name.split(".")[1] in floors} <= {
        f".engine{name}" for name in ENGINE
    }


@pytest.mark.parametrize("kind", ["configure", "compile/pulsar2"])
def test_a_compilation_does_not_run_again_for_a_change_of_how_images_are_read(kind: str) -> None:
    assert not {"pillow", "numpy"} & {
        name
        for module in modules().parts(KINDS[kind].module)
        for package in imported(module)
        for name in distributions().get(package, [normalized(package)])
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_takes_families_of_others_if_its_code_reaches_them(kind: str) -> None:
    reaches = "recipebuild.toolkit.models.extensions" in modules().parts(KINDS[kind].module)
    assert KINDS[kind].families == reaches
