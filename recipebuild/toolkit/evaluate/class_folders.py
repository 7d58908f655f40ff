"""Which class the images of a folder are of, where a dataset has a folder for each class.

    names    the folders are called what the model calls its classes, in whatever order
    ids      the folders are called by class ids: 0, 1, ...
    sorted   the folders are the classes in the order in which torchvision's ImageFolder and the library `datasets`
             sort them: as text, so 10 comes before 2

Use: ``class_order(["cat", "dog"], ["dog", "cat"]).ids`` is ``{"cat": 1, "dog": 0}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Rule = Literal["names", "ids", "sorted"]

_SYNSET = re.compile(r"n\d{8}")
"""ImageNet's own names, whose order is that of its classes."""
_NAMED = 3


@dataclass(frozen=True)
class ClassOrder:
    """The class of each folder.

    Attributes:
        ids: By the folder's name.
        rule: How they were told.
        doubt: Why it may be another, in words; empty if it is clear.
    """

    ids: Mapping[str, int]
    rule: Rule
    doubt: str = ""


def class_order(folders: Sequence[str], names: Sequence[str] = (), rule: Rule | None = None) -> ClassOrder:
    """The class of each folder.

    Args:
        folders: Their names, sorted as text.
        names: What the classes are called, by class id; empty names and no names are not known.
        rule: What the recipe says; ``None`` to tell by the names.
    """
    named = _by_name(folders, names)
    numbered = all(folder.isdecimal() for folder in folders)
    if rule == "names" or (rule is None and len(named) == len(folders)):
        missing = [folder for folder in folders if folder not in named]
        return ClassOrder(named, "names", f"{_listed(missing)}: no class of the model is called so" if missing else "")
    if rule == "ids" or (rule is None and numbered):
        return _numbered(folders, names, asked=rule is not None)
    order = ClassOrder({folder: at for at, folder in enumerate(folders)}, "sorted")
    if rule or not any(names) or all(_SYNSET.fullmatch(folder) for folder in folders):
        return order
    missing = [folder for folder in folders if folder not in named]
    return ClassOrder(order.ids, "sorted", f"no class of the model is called {_listed(missing)}")


def _numbered(folders: Sequence[str], names: Sequence[str], *, asked: bool) -> ClassOrder:
    """Folders called by numbers: by class ids, unless only their sorted order goes with the model's classes."""
    wrong = [folder for folder in folders if not folder.isdecimal()]
    if wrong:
        return ClassOrder({}, "ids", f"{_listed(wrong)}: no class id")
    ids = {folder: int(folder) for folder in folders}
    by_text = {folder: at for at, folder in enumerate(folders)}
    if asked or ids == by_text:
        return ClassOrder(ids, "ids")
    if len(names) == len(folders) and max(ids.values()) >= len(names):
        return ClassOrder(by_text, "sorted")
    if len(folders) != (len(names) or max(ids.values()) + 1):
        return ClassOrder(ids, "ids")
    doubt = "" if any(names) else "as class ids, 2 comes before 10; as ImageFolder sorts them, after it"
    return ClassOrder(ids, "ids", doubt)


def _by_name(folders: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """The folders that are called like exactly one class: by its whole name, or by one of its synonyms."""
    whole: dict[str, set[int]] = {}
    parts: dict[str, set[int]] = {}
    for at, name in enumerate(names):
        if name:
            whole.setdefault(_plain(name), set()).add(at)
            for part in name.split(","):
                parts.setdefault(_plain(part), set()).add(at)
    matches = {folder: whole.get(_plain(folder)) or parts.get(_plain(folder)) or set() for folder in folders}
    ids = {folder: next(iter(at)) for folder, at in matches.items() if len(at) == 1}
    return ids if len(set(ids.values())) == len(ids) else {}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
