"""A copy of this repository's tree, to which something is added."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_COPIED = ("recipebuild", "recipes", "templates", "scripts", "tests")
_LEFT_OUT = shutil.ignore_patterns("streets", "*.pyc.*")  # the latter are on their way to be .pyc


def fill(pattern: Path) -> None:
    """Copy what additions touch, but for docs/."""
    for name in _COPIED:  # with times, so that __pycache__ holds there, too
        shutil.copytree(ROOT / name, pattern / name, ignore=_LEFT_OUT)
    for file in ROOT.iterdir():
        if file.is_file() and file.name != ".git":
            shutil.copy(file, pattern)


class Tree:
    """A copy of what additions touch.

    Its files are links to those of ``pattern``, as ``fill`` makes it: all copies of a session share their bytes.

    Attributes:
        path: Its folder.
        touched: The files that were written by hand, relative to it.
    """

    def __init__(self, path: Path, pattern: Path) -> None:
        self.path = path
        self.touched: set[str] = set()
        shutil.copytree(pattern, path, copy_function=os.link)
        shutil.copytree(ROOT / "docs", path / "docs")  # ``make schema`` writes there

    def read(self, name: str) -> str:
        """The text of a file."""
        return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        """Write a new file."""
        file = self.path / name
        assert not file.exists(), f"{name} is there already"
        file.write_text(text, encoding="utf-8")
        self.touched.add(name)

    def insert(self, name: str, before: str, text: str) -> None:
        """Put ``text`` before the first ``before`` of a file."""
        file = self.path / name
        old = self.read(name)
        assert before in old, f"{name} has no {before!r}"
        file.unlink()  # the link, not what other copies have
        file.write_text(old.replace(before, text + before, 1), encoding="utf-8")
        self.touched.add(name)

    def run(self, *command: str) -> str:
        """What a command prints that runs in the copy; fails with all that it said if it does."""
        environment = os.environ | {"PYTHONPATH": str(self.path), "XDG_CACHE_HOME": str(self.path / "cache")}
        done = subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def recipebuild(self, *arguments: str) -> str:
        """What the copy's ``recipebuild ARGUMENTS`` prints."""
        return self.run(sys.executable, "-m", "recipebuild", *arguments)

    def make_schema(self) -> None:
        """``make schema``, with this environment's programs."""
        self.run("make", "--silent", "--old-file=setup", f"BIN={Path(sys.executable).parent}", "schema")

    def tests_pass(self, *chosen: str) -> None:
        """Run tests of the copy."""
        self.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *chosen)
