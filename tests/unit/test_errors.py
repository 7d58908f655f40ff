"""What errors carry, and libraries' errors in one line."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import recipebuild
from recipebuild.errors import StepError, reason
from recipebuild.recipe.fields import all_fields


def test_the_field_stands_in_front_of_what_people_read() -> None:
    error = StepError("the model rejects 2x2", field="input.shape", remedy="take a larger one")
    assert (error.message, str(error)) == ("input.shape: the model rejects 2x2",) * 2
    assert (error.field, error.text) == ("input.shape", "the model rejects 2x2")


def test_an_error_about_no_field_is_read_as_it_was_written() -> None:
    error = StepError("input.shape: as a file is called")
    assert (error.message, error.field) == ("input.shape: as a file is called", "")


def test_an_error_is_the_same_after_pickling() -> None:
    error = StepError("too low", field="input.mean", remedy="raise it", metrics={"figure": 1})
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.message, vars(copy)) == (error.message, vars(error))


def test_no_error_has_its_field_in_its_text() -> None:
    fields = {".".join(path) for path in all_fields()}
    texts = [
        (place, text) for place, text in raised() if (begin := re.match(r"([\w.]+): ", text)) and begin[1] in fields
    ]
    assert texts == []


def raised() -> Iterator[tuple[str, str]]:
    """The text of each error that the package makes, up to its first figure, with the place."""
    for path in sorted(Path(recipebuild.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and re.search(r"Error$", ast.unparse(node.func)):
                text = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield f"{path.name}:{node.lineno}", text.value


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("\n\n  first   line \nsecond"), "first line"),
        (ValueError("Validation error for field 'depths':\n    TypeError: no list"), None),
        (KeyError(), "KeyError"),
        (RuntimeError("\x1b[1mdo not\x1b[0m"), "do not"),
        (OSError("no answer from http://me:secret@mirror.test/x"), "no answer from http://mirror.test/x"),
    ],
)
def test_reason(error: Exception, text: str | None) -> None:
    assert reason(error) == (text or "Validation error for field 'depths': TypeError: no list")


def test_a_long_line_is_cut() -> None:
    assert len(reason(ValueError("x" * 1000))) == 200
