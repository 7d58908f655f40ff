"""A built wheel in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def install(wheel: Path, folder: Path) -> Path:
    """Make an environment with this wheel, and what it needs from the one that runs the tests: no registry is asked.

    Returns:
        Its folder of programs.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site / "what-it-needs.pth").write_text("\n".join(packages) + "\n")
    return python.parent
