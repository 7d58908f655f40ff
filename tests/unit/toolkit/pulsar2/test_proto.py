"""Our model of the configuration against the proto that was written from the documentation by itself."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError
from support.pulsar2_configs import invalid, valid

from recipebuild.toolkit.pulsar2.config import BuildConfig, Message, to_json
from recipebuild.toolkit.pulsar2.config.versions import _table

DEFAULTS: tuple[Any, ...] = (
    "", 0, False, [], "AutoColorSpace", "ONNX", "AX650", "NPU1", "MinMax", "PerLayer", "Reference", "Image",
)  # fmt: skip
"""What protobuf does not write: zeros, and the first value of enumerations without one of their own for "default"."""


def plain(value: Any) -> Any:
    """JSON values as protobuf would hold them: zeros gone, numbers in float32 (``data`` is double: it stays exact)."""
    if isinstance(value, dict):
        zeros = (*DEFAULTS, "DefaultLayout", "NoCSC", "CheckOutput", "Tile", "Op")
        inner = {name: each if name in ("attrs", "properties", "data") else plain(each) for name, each in value.items()}
        return {name: each for name, each in inner.items() if each not in zeros or name in ("attrs", "properties")}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return struct.unpack("<f", struct.pack("<f", value))[0] if isinstance(value, float) else float(value)
    return value


@settings(max_examples=150, deadline=None)
@given(values=valid())
def test_a_valid_configuration_says_to_protobuf_what_it_said_to_us(documented: ModuleType, values: Any) -> None:
    from google.protobuf import json_format

    assert documented.check(values) == []
    config = BuildConfig.model_validate_json(json.dumps(values))
    text = to_json(config)
    parsed = json_format.MessageToDict(documented.parse(text), preserving_proto_field_name=True)
    assert plain(parsed) == plain(json.loads(text))
    assert BuildConfig.model_validate_json(text) == config
    assert documented.check(json.loads(text)) == []


@settings(max_examples=150, deadline=None)
@given(values=invalid())
def test_an_invalid_configuration_is_refused_by_both(documented: ModuleType, values: Any) -> None:
    assert documented.check(values)
    with pytest.raises(ValidationError):
        BuildConfig.model_validate_json(json.dumps(values))


def test_every_message_has_exactly_the_documented_fields(documented: ModuleType) -> None:
    def compare(ours: type[Message], theirs: Any) -> None:
        names = {field.name for field in theirs.fields}
        if theirs.name == "CompilerConfig":
            names -= (
                {"start_tensor_names", "end_tensor_names"} if ours.__name__ == "CompilerConfig" else {"sub_configs"}
            )
        assert set(ours.model_fields) == names, ours.__name__
        seen.add(theirs.name)
        for name, schema in ours.model_fields.items():
            inner = next((m for m in messages if m.__name__ in str(schema.annotation)), None)
            field = theirs.fields_by_name[name]
            if inner and field.message_type.name != "Struct":
                compare(inner, field.message_type)

    messages = sorted(_messages(Message), key=lambda m: -len(m.__name__))
    seen: set[str] = set()
    compare(BuildConfig, documented.build_config().DESCRIPTOR)
    assert seen == {m.__name__ for m in messages if not m.__name__.startswith("_")} - {"SubConfig"}


def _messages(root: type[Message]) -> Iterator[type[Message]]:
    for message in root.__subclasses__():
        yield message
        yield from _messages(message)


def test_the_table_of_versions_names_fields_that_exist(documented: ModuleType) -> None:
    fields, values = _table()
    for path in [*fields, *(path for path, _ in values)]:
        message = documented.build_config().DESCRIPTOR
        for name in path.split("."):
            field = message.fields_by_name[name]
            message = field.message_type
    for path, value in values:
        message = documented.build_config().DESCRIPTOR
        for name in path.split("."):
            field = message.fields_by_name[name]
            message = field.message_type
        assert field.enum_type is None or value in field.enum_type.values_by_name
