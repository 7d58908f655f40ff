"""Which layout a store has: a number in its file ``LAYOUT``.

It is raised when a version of ours would read wrongly what an earlier one wrote. A store without the file is of layout
1, which was there before the file was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipebuild.errors import RecipeError

LAYOUT = 1
FILE = "LAYOUT"


def check_layout(root: Path) -> None:
    """Make sure that this version can read the store in ``root``.

    Raises:
        RecipeError: If a later one made it.
    """
    try:
        with open(root / FILE, encoding="utf-8") as file:  # noqa: PTH123 - each command comes by here
            text = file.read(80)
    except OSError:
        return
    _require(text, str(root))


def check_remote_layout(fs: Any, root: str, name: str) -> None:
    """The same of a remote store.

    Args:
        fs: fsspec's file system.
        root: The store's folder in it.
        name: The store, for messages.

    Raises:
        RecipeError: If a later version made it.
    """
    try:
        text = fs.cat_file(f"{root}/{FILE}")
    except FileNotFoundError:
        return
    _require(text.decode(errors="replace"), name)


def _require(text: str, name: str) -> None:
    if text.strip() not in ("", str(LAYOUT)):  # a crash may have left it empty
        raise RecipeError(
            f"the store {name} has layout {text.strip()[:20]}, and this version of recipebuild knows {LAYOUT}",
            remedy="use the version that made it, or use another store with --store",
        )
