"""What holds for all passes: a row, a file and a test for each."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import onnx
import pytest

from recipebuild.facts.rewrites import REWRITES, Rewrite
from recipebuild.toolkit.graph import passes
from recipebuild.toolkit.graph.passes import PASSES, defaults
from recipebuild.toolkit.graph.promises import needed_opset
from recipebuild.toolkit.graph.rewrite import OPSET

CODE = Path(passes.__file__).parent
TESTS = Path(__file__).parent / "passes"


def _folder(row: Rewrite) -> str:
    return "on_request" if not row.default else "spelling" if row.targets == "npu" else "faster"


@pytest.mark.parametrize("row", REWRITES, ids=lambda row: row.name)
def test_every_row_has_a_pass_with_an_equation_and_a_test_in_the_folder_of_its_purpose(row: Rewrite) -> None:
    assert PASSES[row.name].__file__ == str(CODE / _folder(row) / f"{row.name}.py")
    assert "=" in (PASSES[row.name].__doc__ or "")
    assert (TESTS / _folder(row) / f"test_{row.name}.py").is_file()
    assert ("Evidence:" in (PASSES[row.name].__doc__ or "")) or row.targets != "npu"


def _words(node: ast.AST) -> str:
    """The longest piece of a text that is not put in."""
    pieces = node.values if isinstance(node, ast.JoinedStr) else [node]
    return max((str(piece.value) for piece in pieces if isinstance(piece, ast.Constant)), key=len, default="")


@pytest.mark.parametrize("row", REWRITES, ids=lambda row: row.name)
def test_every_reason_of_a_guard_has_a_graph_that_must_stay_as_it_is(row: Rewrite) -> None:
    folder, name = _folder(row), row.name
    guard = inspect.getsource(PASSES[name].check)
    texts = [each for each in ast.walk(ast.parse(guard)) if isinstance(each, ast.Constant | ast.JoinedStr)]
    docstring = PASSES[name].check.__doc__
    reasons = {_words(each) for each in texts if " " in _words(each) and _words(each) != docstring}
    reasons |= {value for key, value in vars(PASSES[name]).items() if key in guard and isinstance(value, str)} - {
        docstring
    }
    test = (TESTS / folder / f"test_{name}.py").read_text(encoding="utf-8")
    assert not {reason for reason in reasons if reason not in test}


@pytest.mark.parametrize("row", REWRITES, ids=lambda row: row.name)
def test_the_operators_that_a_pass_writes_are_in_the_opset_that_it_names(row: Rewrite) -> None:
    opset = needed_opset(PASSES[row.name])
    assert opset <= OPSET
    for operator in re.findall(r'edit\.add\(\s*"(\w+)"', inspect.getsource(PASSES[row.name])):
        onnx.defs.get_schema(operator, opset)


def test_every_file_of_a_pass_and_every_test_has_a_row() -> None:
    names = sorted(row.name for row in REWRITES)
    assert sorted(path.stem for path in CODE.glob("*/[!_]*.py")) == names
    assert sorted(path.stem.removeprefix("test_") for path in TESTS.glob("*/test_*.py")) == names


def test_tiles_are_for_the_host_and_legal_spellings_for_npus() -> None:
    host, npu = set(defaults("host")), set(defaults("AX650"))
    assert host - npu == {"tile_attention"}
    assert {"explicit_axes", "write_attributes", "neg_as_mul"} <= npu - host


def test_operators_that_all_tables_have_are_spelled_out_on_request_only() -> None:
    never = set(PASSES) - set(defaults("host")) - set(defaults("AX650"))
    assert never == {"spell_out_gelu", "spell_out_layer_norm"}
