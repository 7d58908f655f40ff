"""What shells complete. Each runs at every press of Tab: quick, silent, and without anything heavy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path


def recipes(incomplete: str) -> list[str]:
    """Shipped recipes by name, and YAML files and folders on the way to them."""
    from recipebuild.shipped import shipped

    names = [path.stem for path in shipped("recipes").glob("*.yaml")]
    return _matching([*names, *_files(incomplete, (".yaml", ".yml"))], incomplete)


def sources(incomplete: str) -> list[str]:
    """Folders and ONNX files, and the hub ids of shipped recipes."""
    import re

    from recipebuild.shipped import shipped

    texts = (path.read_text(encoding="utf-8") for path in shipped("recipes").glob("*.yaml"))
    ids = [found[1] for text in texts if (found := re.search(r"source: ([\w-]+/[\w.-]+)", text))]
    return _matching([*ids, *_files(incomplete, (".onnx",))], incomplete)


def steps(incomplete: str) -> list[str]:
    """Names of steps."""
    from recipebuild.plan.kinds import KINDS

    return _matching([name.partition("/")[0] for name in KINDS], incomplete)


def settings(incomplete: str) -> list[str]:
    """Fields of recipes as ``--set`` takes them, and after the ``=`` the words that a field may have."""
    from typing import Literal, get_args, get_origin

    from recipebuild.recipe.fields import all_fields

    field, equals, _ = incomplete.partition("=")
    fields = all_fields()
    if not equals:
        parents = {path[:-1] for path in fields}
        return _matching([f"{'.'.join(path)}=" for path in fields if path not in parents], incomplete)
    info = fields.get(tuple(field.split(".")))
    annotation = info.annotation if info else None
    options = [annotation, *get_args(annotation)] if info else []
    words = [str(word) for it in options if get_origin(it) is Literal for word in get_args(it)]
    words += ["true", "false"] if annotation is bool else []
    return _matching([f"{field}={word}" for word in words], incomplete)


def boards(incomplete: str) -> list[str]:
    """Names of boards that were added."""
    from recipebuild.board.boards import load_boards
    from recipebuild.errors import RecipebuildError

    with contextlib.suppress(RecipebuildError):
        return _matching(load_boards(), incomplete)
    return []


def topics(incomplete: str) -> list[str]:
    """Topics of ``help``."""
    from recipebuild.cli.topics import TOPICS

    return _matching(TOPICS, incomplete)


def toolchains(incomplete: str) -> list[str]:
    """Toolchains."""
    return _matching(["auto", "pulsar2", "onnxruntime"], incomplete)


def weights(incomplete: str) -> list[str]:
    """Where weights come from."""
    return _matching(["pretrained", "random"], incomplete)


def _matching(words: Iterable[str], incomplete: str) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete)})


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """Files with these endings, and folders with a slash after them, that begin with ``incomplete``."""
    folder, _, _ = incomplete.rpartition("/")
    place = Path(folder or ("/" if incomplete.startswith("/") else ".")).expanduser()
    prefix = f"{folder}/" if "/" in incomplete else ""
    with contextlib.suppress(OSError):
        return [
            f"{prefix}{path.name}{'/' if path.is_dir() else ''}"
            for path in place.iterdir()
            if not path.name.startswith(".") and (path.is_dir() or path.suffix in endings)
        ]
    return []
