"""A configuration as text: plain JSON, keys in the documented order, defaults left out, floats short."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recipebuild.toolkit.pulsar2.config.build import BuildConfig
from recipebuild.toolkit.pulsar2.config.compiler import SubConfig
from recipebuild.toolkit.pulsar2.config.message import Message


def to_json(config: BuildConfig) -> str:
    """The file's text, with a newline at the end. Two configurations that mean the same give the same text."""
    return text_of(plain(config))


def text_of(values: Mapping[str, Any]) -> str:
    """JSON values as the file's text."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def merged(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with ``over`` on top: mappings are merged, lists and scalars replaced.

    A mapping of indices (``{"0": ...}``) on top of a list goes into its elements.
    """
    result = dict(values)
    for name, value in over.items():
        below = result.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[name] = merged(below, value)
        elif isinstance(value, Mapping) and isinstance(below, list) and all(map(str.isdigit, value)):
            changed = {int(at): each for at, each in value.items()}
            result[name] = [merged(each, changed[at]) if at in changed else each for at, each in enumerate(below)]
        else:
            result[name] = value
    return result


def plain(message: Message) -> dict[str, Any]:
    """The message as JSON values: what differs from the documented defaults."""
    # A part of the model inherits what it does not say from the whole, so there a default differs from nothing said.
    part = isinstance(message, SubConfig)
    kept = {}
    for name, field in type(message).model_fields.items():
        value = getattr(message, name)
        is_set = name in message.model_fields_set if part else value != field.default
        if field.is_required() or is_set:
            kept[name] = _value(value)
    return kept


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return value
