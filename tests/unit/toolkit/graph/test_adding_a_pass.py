"""Adding a rewrite as CONTRIBUTING.md says, in a copy of the tree: a file, a row, a test, and what is made of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

PASS = '''"""Twice the opposite is the number itself: -(-x) = x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, made_by, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``outer`` of ``inner``."""

    outer: ir.Node
    inner: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Neg of a Neg."""
    inner = made_by(node.inputs[0], "Neg") if node.op_type == "Neg" else None
    return Match(node, inner) if inner is not None else None


def check(match: Match) -> str | None:
    """It does not lead from an input of the graph to an output."""
    ends = sure(match.inner.inputs[0]).is_graph_input() and match.outer.outputs[0].is_graph_output()
    return "Neg leads from an input of the graph to an output" if ends else None


def rewrite(edit: Edit, match: Match) -> None:
    """Use the number."""
    edit.replace(match.outer.outputs[0], sure(match.inner.inputs[0]))
'''

TEST = '''"""Two Negs are none."""

from support.graphs import graph, outcome, refusals

TEXT = "(float[2] x) => (float[2] y) { a = Relu (x) b = Neg (a) c = Neg (b) y = Relu (c) }"


def test_both_go() -> None:
    result = outcome(graph(TEXT), "drop_double_neg")
    assert result.after == {"Relu": 2}
    assert result.error == 0


def test_the_guard_says_why_not() -> None:
    model = graph("(float[2] x) => (float[2] y) { a = Neg (x) y = Neg (a) }")
    assert refusals(model, "drop_double_neg") == {"Neg leads from an input of the graph to an output": 1}
'''

ROW = """    Rewrite(
        "drop_double_neg",
        "Two negations as none",
        "two operators less",
    ),
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the list touches."""
    for name in ("recipebuild", "docs", "tests", "scripts", "recipes", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "images"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _put(path: Path, before: str, text: str) -> None:
    old = path.read_text(encoding="utf-8")
    assert before in old
    path.write_text(old.replace(before, text + before, 1), encoding="utf-8")


def _python(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True)


def _tests(tree: Path) -> subprocess.CompletedProcess[str]:
    files = ("graph/test_passes.py", "graph/passes/faster/test_drop_double_neg.py", "recipe/test_json_schema.py")
    chosen = [
        f"tests/unit/{name}" for name in (*files, "recipe/test_rewriting.py") if (tree / "tests/unit" / name).exists()
    ]
    return _python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen)


def test_the_list_in_contributing_is_all_that_it_takes(tree: Path) -> None:
    faster = tree / "recipebuild" / "graph" / "passes" / "faster"
    (faster / "drop_double_neg.py").write_text(PASS, encoding="utf-8")
    _put(faster / "__init__.py", "    drop_key_bias,", "    drop_double_neg,\n")
    _put(faster / "__init__.py", '    "drop_key_bias",', '    "drop_double_neg",\n')
    _put(tree / "recipebuild" / "facts" / "rewrites.py", '    Rewrite(\n        "drop_key_bias"', ROW)
    failed = _tests(tree).stdout
    assert (
        "test_every_row_has_a_pass_with_an_equation_and_a_test_in_the_folder_of_its_purpose[drop_double_neg]" in failed
    )
    assert "test_the_table_in_the_documentation_is_fresh" in failed

    test = tree / "tests" / "unit" / "graph" / "passes" / "faster" / "test_drop_double_neg.py"
    test.write_text(TEST, encoding="utf-8")
    (tree / "docs" / "recipe.schema.json").write_text(
        _python(tree, "-m", "recipebuild", "schema").stdout, encoding="utf-8"
    )
    for script, page, before in (
        ("rewrite_reference", "graphs.md", "| `drop_key_bias` |"),
        ("recipe_reference", "recipes.md", "| `rewrite.drop_key_bias` |"),
    ):
        rows = _python(tree, "-m", f"scripts.{script}").stdout.splitlines()
        row = next(line for line in rows if "drop_double_neg" in line)
        _put(tree / "docs" / page, before, f"{row}\n")
    fields = "from scripts.recipe_reference import table; assert table() in open('docs/recipes.md').read()"
    assert _python(tree, "-c", fields).returncode == 0
    passed = _tests(tree)
    assert passed.returncode == 0, passed.stdout
