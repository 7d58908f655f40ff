"""docs/python.md, run from top to bottom in a user's folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from support import warm
from support.project import Project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_examples_of_the_page_run_as_they_are_written(make_project: Callable[[], Project]) -> None:
    project = make_project()
    for name in ("model", "images"):
        (project.folder / "recipes" / name).rename(project.folder / name)
    program = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))
    program = program.replace('"input.shape', '"export.exporter=torchscript", "input.shape')  # the quicker of the two
    (project.folder / "page.py").write_text(program)
    done = warm.run([], project.folder, project.environment(), project.folder / "page.py")
    assert done.returncode == 0, done.stderr
    for words in ("build/mine ok", "compile: ", "params.count: ", "must have 4 values", "\n2\n", "ok Python"):
        assert words in done.stdout, done.stdout
