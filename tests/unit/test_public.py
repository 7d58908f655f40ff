"""The package's public face."""

from __future__ import annotations

import subprocess
import sys

import pytest

import recipebuild


def test_what_is_exported_is_there() -> None:
    for name in recipebuild.__all__:
        assert getattr(recipebuild, name) is not None
    with pytest.raises(AttributeError, match="bake"):
        _ = recipebuild.bake


def test_importing_it_loads_nothing_of_the_house() -> None:
    program = "import sys, recipebuild; print([m for m in sys.modules if m.startswith('recipebuild.')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_python_gets_what_the_command_line_prints() -> None:
    (found,) = recipebuild.check(["quickstart"], recipebuild.Options())
    assert found.recipe == "quickstart" and not found.problems
    assert '"npu_mode": "NPU3"' in recipebuild.render("quickstart", recipebuild.Options())
