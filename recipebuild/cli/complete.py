"""What shells complete: the words of ``verbs/complete.py``, and files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from recipebuild.verbs import complete as words


def recipes(incomplete: str) -> list[str]:
    """Shipped recipes by name, and YAML files and folders on the way to them."""
    return _matching([*words.recipes(), *_files(incomplete, (".yaml", ".yml"))], incomplete)


def sources(incomplete: str) -> list[str]:
    """Folders and ONNX files, and the hub ids of shipped recipes."""
    return _matching([*words.hub_ids(), *_files(incomplete, (".onnx",))], incomplete)


def steps(incomplete: str) -> list[str]:
    """Names of steps."""
    return _matching(words.steps(), incomplete)


def settings(incomplete: str) -> list[str]:
    """Fields of recipes as ``--set`` takes them, and after the ``=`` the words that a field may have."""
    return _matching(words.settings(incomplete), incomplete)


def boards(incomplete: str) -> list[str]:
    """Names of boards that were added."""
    return _matching(words.boards(), incomplete)


def topics(incomplete: str) -> list[str]:
    """Topics of ``help``, and codes of rules."""
    from recipebuild.verbs.help_ import TOPICS, codes

    return _matching([*TOPICS, *codes()], incomplete)


def toolchains(incomplete: str) -> list[str]:
    """Toolchains."""
    return _matching(["auto", "pulsar2", "onnxruntime"], incomplete)


def weights(incomplete: str) -> list[str]:
    """Where weights come from."""
    return _matching(["pretrained", "random"], incomplete)


def _matching(options: Iterable[str], incomplete: str) -> list[str]:
    return sorted({word for word in options if word.startswith(incomplete)})


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
