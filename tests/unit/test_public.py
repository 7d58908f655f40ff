"""The package's public face."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import recipebuild
from scripts.cli_reference import commands

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
HELP = {"help"}
"""Verbs that only make sense on a screen."""


def test_what_is_exported_is_there() -> None:
    for name in recipebuild.__all__:
        assert getattr(recipebuild, name) is not None
    with pytest.raises(AttributeError, match="bake"):
        _ = recipebuild.bake


def test_importing_it_loads_nothing_of_the_house() -> None:
    program = "import sys, recipebuild; print([m for m in sys.modules if m.startswith('recipebuild.')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_python_gets_what_the_command_line_prints() -> None:
    (checked,) = recipebuild.check("quickstart")
    assert checked.recipe == "quickstart" and not checked.problems
    assert '"npu_mode": "NPU3"' in recipebuild.render("quickstart")


def test_every_verb_is_a_function_that_is_typed_and_documented() -> None:
    rows = dict(re.findall(r"^\| `([\w ]+)` \| `recipebuild\.(\w+)", PAGE.read_text(encoding="utf-8"), re.M))
    verbs = {path.removeprefix("recipebuild ") for path, _, _ in commands()}
    assert set(rows) == verbs - HELP, "docs/python.md has a row for each verb"
    for name in set(rows.values()):
        assert name in recipebuild.__all__
        function = getattr(recipebuild, name)
        assert function.__doc__, name
        hints = get_type_hints(function, vars(sys.modules[function.__module__]) | _typing_only(function.__module__))
        assert set(inspect.signature(function).parameters) | {"return"} <= set(hints), name


def _typing_only(module: str) -> dict[str, object]:
    """What a module imports for its annotations only: any object will do here."""
    source = Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8")
    block = re.search(r"^if TYPE_CHECKING:\n((?:    .*\n|\n)+)", source, re.M)
    names = re.findall(r"import (.*)", block[1]) if block else []
    return {name.split(" as ")[-1].strip(): object for line in names for name in line.split(",")}
