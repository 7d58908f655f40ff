"""The Python of a quantizer: an environment of its own in .venv-peers/, made from ``requirements/`` on first use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements")
ENVIRONMENTS = Path(".venv-peers").resolve()


def python_of(name: str) -> Path:
    """The interpreter of the environment; made anew where the requirements changed.

    Raises:
        CalledProcessError: If pip cannot install them.
    """
    wanted = REQUIREMENTS / f"{name}.txt"
    folder = ENVIRONMENTS / name
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted]
        subprocess.run(pip, check=True, capture_output=True, text=True)
        installed.write_bytes(wanted.read_bytes())
    return python


def version(name: str) -> str:
    """What is pinned first: the quantizer itself."""
    first = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()[0]
    return first.rpartition("==")[2]
