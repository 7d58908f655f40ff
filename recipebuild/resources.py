"""Where the shipped recipes and templates lie, and which templates a step may read.

A step may read the templates of its own room, and what the user keeps beside the rooms. A template is named
``pulsar2/config.json.j2``: the first part is its room. A step that renders ``pulsar2/`` depends on that folder, so
that a change in how reports look builds nothing again. What several rooms share lies beside them in the user's folder,
``macros.j2`` or ``common/``, and counts for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import BaseLoader

_PACKAGE = Path(__file__).resolve().parent

STEP_ROOMS = ("pulsar2", "bundle")
"""The rooms whose templates steps render: configure and bundle."""

_ROOMS = (*STEP_ROOMS, "report")
_SHIPPED, _USER = "templates", "templates_user"


def shipped(folder: str) -> Path:
    """The folder of shipped files named ``folder`` (``recipes`` or ``templates``), or the file ``constraints.txt``."""
    packed = _PACKAGE / "shipped" / folder
    return packed if packed.exists() else _PACKAGE.parent / folder


def template_sources(folders: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """For each room of steps, its sources by the names under which they are inputs of a step.

    Args:
        folders: The user's folder, if there is one, then the shipped one.
    """
    *users, shipped = folders
    return {
        room: {
            **{f"{_USER}/{path.name}": path for user in users for path in _entries(user, room)},
            f"{_SHIPPED}/{room}": shipped / room,
        }
        for room in STEP_ROOMS
    }


def _entries(user: Path, room: str) -> list[Path]:
    """What a folder of the user's has for a room, sorted by name."""
    paths = sorted(user.iterdir()) if user.is_dir() else []
    return [path for path in paths if path.name == room or not (path.name in _ROOMS or path.name.startswith("."))]


def has_user_templates(names: Mapping[str, object]) -> bool:
    """Whether a step with inputs of these names renders templates of the user's."""
    return any(name.startswith(f"{_USER}/") for name in names)


def template_path(name: str, inputs: Mapping[str, Path]) -> Path | None:
    """The file of the template ``name``, the user's before the shipped one; ``shipped/NAME`` is always the latter.

    Args:
        name: As templates name each other, such as ``bundle/README.md.j2``.
        inputs: A step's inputs; those that are no templates are passed over.
    """
    original = name.removeprefix("shipped/")
    first, *rest = PurePosixPath(original).parts or ("",)
    if first in ("..", "/") or ".." in rest:
        return None
    places = (_SHIPPED,) if original != name else (_USER, _SHIPPED)
    candidates = (inputs[f"{place}/{first}"].joinpath(*rest) for place in places if f"{place}/{first}" in inputs)
    return next((path for path in candidates if path.is_file()), None)


def template_loader(inputs: Mapping[str, Path]) -> BaseLoader:
    """What gives Jinja the templates among a step's inputs."""
    from jinja2 import FunctionLoader

    def load(name: str) -> tuple[str, str, None] | None:
        path = template_path(name, inputs)
        return (path.read_text(encoding="utf-8"), str(path), None) if path else None

    return FunctionLoader(load)
