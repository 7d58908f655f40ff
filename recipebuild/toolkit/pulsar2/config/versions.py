"""Which version of Pulsar2 brought which field and value, by ``versions.yaml``: ``too_new(config, "3.0")``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.pulsar2.config.build import BuildConfig
from recipebuild.toolkit.pulsar2.config.write import plain

_UNPUBLISHED = {
    "target_hardware": tuple(chip.name for chip in CHIPS.values() if not chip.published),
    "npu_mode": ("NPU5", "ISP1", "ISP2", "ISP3"),
    "model_type": ("ISP",),
    "input_processors.src_dtype": ("NVFP4",),
}
"""Source: GitHub AXERA-TECH/Magnetar, pulsar2_reference_config.json, which was made of the proto in an image."""


@dataclass(frozen=True)
class TooNew:
    """Something that a version does not have.

    Attributes:
        what: The field, with its value if that is what is new: ``quant.calibration_method: KL``.
        first: The first documented version that has it.
    """

    what: str
    first: str


def numbers(version: str) -> tuple[int, ...]:
    """What to compare versions by: ``3.1-patch2`` and ``7.0-lite`` are (3, 1) and (7, 0); () if it is no version."""
    match = re.match(r"\d{1,3}(\.\d{1,3})*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def too_new(config: BuildConfig, version: str) -> list[TooNew]:
    """What in ``config`` the given version does not have, in the order of the file.

    Fields at their defaults do not count. A version between two documented ones gets the benefit of the doubt.
    """
    fields, values = _table()
    newer = []
    for path, value in _leaves(plain(config)):
        for what, since in ((path, fields.get(path)), (f"{path}: {value}", values.get((path, str(value))))):
            if since and numbers(version) and numbers(version) <= numbers(since[0]):
                newer.append(TooNew(what, since[1]))
    return list(dict.fromkeys(newer))


def first_version(field: str) -> str | None:
    """The first documented version that has a field; ``None`` if the oldest one has it."""
    since = _table()[0].get(field)
    return since[1] if since else None


def unpublished(config: BuildConfig) -> list[str]:
    """Values that the tool's own proto has and its documentation does not: ``npu_mode: NPU5``."""
    return [f"{path}: {value}" for path, value in _leaves(plain(config)) if value in _UNPUBLISHED.get(path, ())]


@functools.cache
def _table() -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], tuple[str, str]]]:
    """By field, and by field and value: the last version without it, and the first with it."""
    import yaml

    fields: dict[str, tuple[str, str]] = {}
    values: dict[tuple[str, str], tuple[str, str]] = {}
    for row in yaml.safe_load(Path(__file__).with_name("versions.yaml").read_text("utf-8")):
        since = row["absent"], row["first"]
        fields |= dict.fromkeys(row["fields"], since)
        values |= {(path, str(value)): since for path, new in row["values"].items() for value in new}
    return fields, values


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All fields with their values; elements of a list go by the list's name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            at = f"{path}.{name}".lstrip(".")
            yield at, inner
            yield from _leaves(inner, at)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
