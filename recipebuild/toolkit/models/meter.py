"""How far a download is, in bytes: what huggingface_hub tells its progress bars goes to a step's progress."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import Any

_EVERY = 0.2
"""Seconds between two words on the same file."""


class Meter:
    """Counts the bytes of several files.

    Args:
        sizes: Bytes of each file; 0 where that is not known.
        progress: Told the share of all bytes that is here, 0..1, and what is coming.
    """

    def __init__(self, sizes: Mapping[str, int], progress: Callable[[float, str], None]) -> None:
        self._sizes, self._progress = sizes, progress
        self._total = sum(sizes.values())
        self._here: dict[str, int] = {}
        self._reported = 0.0

    def arrived(self, name: str) -> None:
        """A file is here, downloaded or from the cache."""
        self._here[name] = self._sizes[name]
        self._say(name)

    def of(self, name: str) -> Any:
        """A class of progress bars for huggingface_hub, for one file; nothing is drawn.

        Of a file that is stored in chunks there are two bars, for what is transferred and for what is put together.
        """
        from tqdm.std import tqdm

        meter = self

        class Bar(tqdm):  # type: ignore[misc]  # mypy takes tqdm for Any
            monitor_interval = 0  # no thread that watches it

            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **{**options, "file": io.StringIO()})

            def update(self, n: float | None = 1) -> Any:
                done = super().update(n)
                meter._here[name] = max(meter._here.get(name, 0), int(self.n))
                if time.monotonic() - meter._reported > _EVERY:
                    meter._say(name)
                return done

        return Bar

    def _say(self, name: str) -> None:
        self._reported = time.monotonic()
        here = sum(self._here.values())
        if self._total:
            self._progress(min(1.0, here / self._total), f"{name}, {_size(here)} of {_size(self._total)}")
        else:
            self._progress(len(self._here) / (len(self._sizes) + 1), f"{name}, {_size(here)}")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
