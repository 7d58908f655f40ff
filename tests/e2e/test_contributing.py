"""CONTRIBUTING.md's lists are all that an addition takes: each is followed in a copy of the tree."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shared import shared_folder
from support.tree import ROOT, Tree, fill

SECTIONS = dict(
    re.findall(r"^## Adding (.*?)\n(.*?)(?=^## )", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S)
)
FASTER = "toolkit/graph/passes/faster"


@pytest.fixture
def tree(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path / "tree", shared_folder(tmp_path_factory, "tree", fill))


def hold_to_the_list(tree: Tree, thing: str) -> None:
    """Nothing was touched that the list of the section does not name."""
    named = set(re.findall(r"`([\w./-]+\.\w+)`", "\n".join(_list(SECTIONS[thing]))))
    assert tree.touched <= named


def _list(section: str) -> list[str]:
    return re.findall(r"^\d+\. .*$", section, re.M)


@pytest.mark.parametrize("thing", SECTIONS)
def test_each_list_has_at_most_three_lines(thing: str) -> None:
    lines = _list(SECTIONS[thing])
    assert 1 <= len(lines) <= 3
    assert not re.search(r"^\d+\. .*\n +\S", SECTIONS[thing], re.M), "a line is a line"


def add_verb(tree: Tree) -> None:
    tree.write(
        "recipebuild/verbs/mine.py",
        '"""How long names are."""\n\n\ndef mine(name: str) -> int:\n    """The letters of a name."""\n'
        "    return len(name)\n",
    )
    tree.write(
        "recipebuild/cli/mine.py",
        '"""``mine``."""\n\nimport typer\n\n\ndef mine(name: str) -> None:\n    """Count the letters of a name.\n\n'
        '    Example: recipebuild mine quickstart\n    """\n    from recipebuild.verbs import mine as verb\n\n'
        "    typer.echo(verb.mine(name))\n",
    )
    tree.insert("recipebuild/cli/app.py", '"lock", ', '"mine", ')
    public = "recipebuild/__init__.py"
    tree.insert(public, "    from recipebuild.verbs.new ", "    from recipebuild.verbs.mine import mine\n")
    tree.insert(public, '    "new": ', '    "mine": "verbs.mine",\n')
    tree.insert(public, '    "new",\n', '    "mine",\n')
    tree.insert("README.md", "| `lock` |", "| `mine` | count letters |\n")
    tree.insert("README.zh-CN.md", "| `lock` |", "| `mine` | 数字母 |\n")
    tree.insert("docs/python.md", "| `lock` |", "| `mine` | `recipebuild.mine(name)` |\n")
    tree.make_schema()


def test_a_verb(tree: Tree) -> None:
    add_verb(tree)
    hold_to_the_list(tree, "a verb")
    assert "Example: recipebuild mine quickstart" in tree.recipebuild("mine", "--help")
    assert tree.recipebuild("mine", "quickstart") == "10\n"
    assert "## recipebuild mine\n" in tree.read("docs/cli.md")


def add_step(tree: Tree) -> None:
    tree.write(
        "recipebuild/steps/mine.py",
        '"""mine: how large a model is.   Inputs: model (ONNX).   Outputs: mine.txt."""\n\n'
        "from pydantic import BaseModel\n\n\nclass Params(BaseModel):\n    pass\n\n\n"
        "def run(inputs, params, out, progress):\n    size = inputs['model'].stat().st_size\n"
        "    (out / 'mine.txt').write_text(str(size))\n    return {'bytes': size}\n",
    )
    tree.write(
        "tests/unit/steps/test_mine.py",
        "from recipebuild.steps import mine\n\n\ndef test_it_counts_bytes(tmp_path):\n"
        "    (tmp_path / 'x').write_bytes(b'model')\n"
        "    assert mine.run({'model': tmp_path / 'x'}, mine.Params(), tmp_path, None) == {'bytes': 5}\n",
    )
    tree.insert("recipebuild/plan/kinds.py", '    "lint": ', '    "mine": Kind("recipebuild.steps.mine"),\n')
    tree.insert(
        "recipebuild/plan/steps.py",
        "    calibration = steps.calibration\n",
        '    steps.add("mine", "mine.txt", {}, {"model": models["head"]})\n',
    )
    tree.insert("docs/manifest.md", "| `lint` |", "| `mine` | `bytes` |\n")


def test_a_step(tree: Tree) -> None:
    add_step(tree)
    hold_to_the_list(tree, "a step")
    plan = tree.recipebuild("plan", "quickstart", "--toolchain", "onnxruntime")
    assert re.search(r"^  mine +(build|follows)", plan, re.M)


def add_rewrite(tree: Tree) -> None:
    tree.write(f"recipebuild/{FASTER}/mine.py", REWRITE)
    tree.write(f"tests/unit/{FASTER}/test_mine.py", TEST_OF_REWRITE)
    tree.insert("recipebuild/facts/rewrites.py", '    Rewrite(\n        "drop_key_bias"', ROW_OF_REWRITE)
    tree.make_schema()


def test_a_rewrite(tree: Tree) -> None:
    add_rewrite(tree)
    hold_to_the_list(tree, "a rewrite of graphs")
    assert "| `mine` | two operators less | all |" in tree.read("docs/graphs.md")
    assert "`rewrite.mine`" in tree.read("docs/recipes.md")


def add_family(tree: Tree) -> None:
    tree.insert(
        "recipebuild/toolkit/models/families.yaml",
        "  # Oquab et al.",
        "  mine:\n    base: mine\n    task: depth-estimation\n    config: {model_type: glpn}\n"
        "    sizes:\n      small: {hidden_sizes: [8, 16, 24, 32]}\n    hubs:\n"
        "      - {id: 'me/mine-(?P<size>small)', shown: me/mine-small, architecture: GLPNForDepthEstimation}\n\n",
    )
    tree.write("recipes/base/mine.yaml", tree.read("recipes/base/glpn.yaml"))
    recipe = tree.read("recipes/glpn-nyu.yaml")
    for old, new in (("base/glpn", "base/mine"), ("vinvino02/glpn-nyu", "me/mine-small")):
        recipe = recipe.replace(old, new)
    tree.write("recipes/mine.yaml", recipe)


def test_a_family(tree: Tree) -> None:
    add_family(tree)
    hold_to_the_list(tree, "a family of models")
    assert "me/mine-small" in tree.recipebuild("models")
    assert re.search(r"^  export +(build|follows)", tree.recipebuild("plan", "mine", "--weights", "random"), re.M)


def add_chip(tree: Tree) -> None:
    tree.insert("recipebuild/facts/chips.py", '        Chip("M57"', '        Chip("mine", _ONE, operators="mine"),\n')
    tree.write(
        "recipebuild/toolkit/pulsar2/operators/mine.yaml", "# Source: a page of its own.\n\noperators: [Relu, Conv]\n"
    )
    tree.insert("tests/standins/pulsar2.proto", " AX8860 = 6;", " mine = 7;")
    tree.insert("tests/standins/pulsar2_schema.py", '"AX650": "123"', '"mine": "1", ')
    tree.make_schema()


def test_a_chip(tree: Tree) -> None:
    add_chip(tree)
    hold_to_the_list(tree, "a chip")
    assert '"mine"' in tree.read("docs/recipe.schema.json")
    target = "target: {hardware: mine, npu_mode: NPU1}\n"
    (tree.path / "chip.yaml").write_text(f"extends: recipes/quickstart.yaml\n{target}", encoding="utf-8")
    tree.recipebuild("check", "chip.yaml")


def add_metric(tree: Tree) -> None:
    tree.insert(
        "recipebuild/facts/metrics.py",
        '        Metric("abs_rel"',
        '        Metric("mine", "top-1 error", "%", (CLASSIFICATION,), "share of wrong ones", lower_is_better=True),\n',
    )
    scores = "recipebuild/toolkit/evaluate/scores.py"
    tree.insert(scores, "}\n\n\ndef _top(", ', "mine": 1 - sums[..., 1] / sums[..., 0]')
    tree.insert("tests/unit/toolkit/evaluate/test_scores.py", "def figures(", TEST_OF_METRIC)
    tree.make_schema()


def test_a_metric(tree: Tree) -> None:
    add_metric(tree)
    hold_to_the_list(tree, "a metric")
    assert "| `mine` | image-classification | 0 to 1 | share of wrong ones; less is better |" in tree.read(
        "docs/accuracy.md"
    )
    assert "top5, mine;" in tree.read("docs/recipes.md")
    assert tree.run(sys.executable, "-c", FIGURE_OF_METRIC) == "0.25\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("add", "tests", "names"),
    [
        (add_verb, ["test_public.py", "docs/test_docs.py"], "public or fresh or readme"),
        (add_step, ["steps/test_mine.py", "plan/test_kinds.py", "../e2e/test_manifest_page.py"], "mine or row"),
        (
            add_rewrite,
            [
                f"{FASTER}/test_mine.py",
                "toolkit/graph/test_passes.py",
                "recipe/test_rewrite.py",
                "engine/test_code.py",
                "docs/test_docs.py",
            ],
            "mine or row or switch or every_rewrite or fresh",
        ),
        (add_family, ["recipe/test_shipped.py"], "mine"),
        (add_chip, ["facts/test_chips.py", "docs/test_docs.py"], "chip or table or modes or fresh"),
        (
            add_metric,
            ["facts/test_metrics.py", "toolkit/evaluate/test_scores.py", "docs/test_docs.py"],
            "mine or metrics or fresh",
        ),
    ],
    ids=["verb", "step", "rewrite", "family", "chip", "metric"],
)
def test_the_tests_of_the_copy_ask_for_nothing_more(
    tree: Tree, add: Callable[[Tree], None], tests: list[str], names: str
) -> None:
    add(tree)
    tree.tests_pass(*(f"tests/unit/{name}" for name in tests), "-k", names)


TEST_OF_METRIC = """def test_mine() -> None:
    score = score_of("image-classification", classes=9, labelled=True)
    assert score.figures(np.array([4.0, 3.0, 4.0]))["mine"] == 0.25


"""

FIGURE_OF_METRIC = """
import numpy
from recipebuild.toolkit.evaluate.scores import score_of

score = score_of("image-classification", classes=9, labelled=True)
print(score.figures(numpy.array([4.0, 3.0, 4.0]))["mine"])
"""

REWRITE = '''"""Twice the opposite is the number itself: -(-x) = x."""

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

TEST_OF_REWRITE = '''"""Two Negs are none."""

from support.graphs import graph, outcome, refusals

TEXT = "(float[2] x) => (float[2] y) { a = Relu (x) b = Neg (a) c = Neg (b) y = Relu (c) }"


def test_both_go() -> None:
    result = outcome(graph(TEXT), "mine")
    assert result.after == {"Relu": 2}
    assert result.error == 0


def test_the_guard_says_why_not() -> None:
    model = graph("(float[2] x) => (float[2] y) { a = Neg (x) y = Neg (a) }")
    assert refusals(model, "mine") == {"Neg leads from an input of the graph to an output": 1}
'''

ROW_OF_REWRITE = """    Rewrite(
        "mine",
        "Two negations as none",
        "two operators less",
    ),
"""
