"""Protobuf's text format, as far as configurations use it: ``parse_prototxt(text)`` -> the values of a message.

Source: https://protobuf.dev/reference/protobuf/textformat-spec/. A field that comes several times, or with ``[...]``,
is a list; a ``google.protobuf.Struct`` becomes the object that it stands for.
"""

from __future__ import annotations

import ast
import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\s*)*
    (?:(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      |(?P<number>-?\s*(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[fF]?)
      |(?P<word>[A-Za-z_][\w.]*)
      |(?P<mark>[{}<>\[\]:,;])
      |(?P<end>\Z))""",
    re.X,
)
_WORDS = {"true": True, "false": False}
_ENDS = {"{": "}", "<": ">"}


class PrototxtError(ValueError):
    """The text is not in protobuf's text format."""


def parse_prototxt(text: str) -> dict[str, Any]:
    """The values of the message that ``text`` holds; names of enumeration values are text.

    Raises:
        PrototxtError: If it is not in the text format; the message has the line.
    """
    return _Parser(text).message("")


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._kind, self._here = "", ""
        self._next()

    def _next(self) -> str:
        """Take the current token; go to the next."""
        taken = self._here
        token = _TOKEN.match(self._text, self._at)
        if token is None:
            raise self._wrong(f"unexpected {self._text[self._at :].strip()[:20]!r}")
        self._kind, self._here = token.lastgroup or "", token[token.lastgroup or 0]
        self._at = token.end()
        return taken

    def _wrong(self, what: str) -> PrototxtError:
        return PrototxtError(f"line {self._text.count(chr(10), 0, self._at) + 1}: {what}")

    def message(self, end: str) -> dict[str, Any]:
        self._depth += 1
        if self._depth > 50:
            raise self._wrong("nested too deep")
        fields: dict[str, list[Any]] = {}
        lists: set[str] = set()
        while self._here != end or self._kind == "string":
            if self._kind != "word":
                raise self._wrong(f"expected the name of a field, not {self._here!r}")
            name = self._next()
            if self._here == ":":
                self._next()
            value = self._value()
            lists |= {name} if isinstance(value, list) else set()
            fields.setdefault(name, []).extend(value if isinstance(value, list) else [value])
            if self._kind == "mark" and self._here in ",;":
                self._next()
        self._depth -= 1
        values = {name: each if len(each) > 1 or name in lists else each[0] for name, each in fields.items()}
        return _struct(values) if set(values) == {"fields"} else values

    def _value(self) -> Any:
        if self._kind == "mark" and self._here in _ENDS:
            end = _ENDS[self._next()]
            inner = self.message(end)
            self._next()
            return inner
        if self._here == "[":
            self._next()
            values = []
            while self._here != "]":
                values.append(self._value())
                if self._here == ",":
                    self._next()
            self._next()
            return values
        if self._kind == "string":
            text = ""
            while self._kind == "string":  # adjacent strings are one
                text += ast.literal_eval(self._next())
            return text
        if self._kind == "number":
            digits = self._next().replace(" ", "")
            if "0x" in digits:
                return int(digits, 16)
            return int(digits) if re.fullmatch(r"-?\d+", digits) else float(digits.rstrip("fF"))
        if self._kind == "word":
            word = self._next()
            return _WORDS.get(word, word)
        raise self._wrong(f"expected a value, not {self._here or 'the end'!r}")


def _struct(values: dict[str, Any]) -> dict[str, Any]:
    """``fields { key: "a" value { number_value: 1 } }`` as ``{"a": 1}``; anything else stays as it is."""
    entries = values["fields"] if isinstance(values["fields"], list) else [values["fields"]]
    if not all(isinstance(entry, dict) and set(entry) == {"key", "value"} for entry in entries):
        return values
    return {entry["key"]: _struct_value(entry["value"]) for entry in entries}


def _struct_value(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in ("number_value", "string_value", "bool_value"):
            return inner
        if kind == "null_value":
            return None
        if kind == "struct_value":
            return inner
        if kind == "list_value":
            elements = inner.get("values", []) if isinstance(inner, dict) else []
            return [_struct_value(each) for each in (elements if isinstance(elements, list) else [elements])]
    return value
