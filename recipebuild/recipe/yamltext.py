"""YAML text -> values, for text that comes from strangers.

Only mappings, lists, text, numbers, true/false and null exist here; tags are refused, and aliases cannot blow up.
Numbers and booleans are those of YAML 1.2, so that ``off`` and ``no`` are text and ``1e-3`` is a number. The node tree
is kept: it knows the line and column of every value.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from recipebuild.errors import RecipeError

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML without its C library is slower, and gives the same nodes
    from yaml import SafeLoader as _Base  # type: ignore[assignment]  # same interface

MAX_DEPTH = 50
MAX_VALUES = 20_000
MAX_UNCHECKED = 4096
"""Length up to which text cannot nest deep enough to exhaust libyaml's stack."""

_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HINTS = (
    ("another document", "one recipe per file: remove the second `---`"),
    ("undefined alias", "a text that starts with * must be put in quotes"),
    ("alphabetic or numeric", "a text that starts with * or & must be put in quotes"),
    ("mapping values are not allowed", "check the indentation; a text with `: ` in it must be put in quotes"),
    ("cannot start any token", "a text that starts with this character must be put in quotes"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("", "check the indentation, the `:` after each key, and that brackets and quotes are closed"),
)


class YamlError(RecipeError):
    """The text cannot be read as YAML, or says what a recipe must not; ``line`` and ``column`` count from 1."""

    def __init__(self, text: str, *, line: int = 1, column: int = 1, field: str = "", remedy: str = "") -> None:
        super().__init__(text, field=field, remedy=remedy)
        self.line, self.column = line, column


class _Loader(_Base):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way to say it


_NUMBER = r"[-+]?(0|[1-9][0-9]*)"
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _NUMBER, list("-+0123456789")),
    ("float", rf"({_NUMBER}(\.[0-9]*)?|[-+]?\.[0-9]+)([eE][-+]?[0-9]+)?", list("-+0123456789.")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})\\Z"), _first)


def parse(text: str) -> tuple[Node | None, Any, list[YamlError]]:
    """Read one YAML document.

    Returns:
        Its node tree (``None`` if the text is empty), the values, and flaws that do not keep one from going on (keys
        that are given twice; the first one counts).

    Raises:
        YamlError: The text is not YAML, or has tags, endless aliases, or too many or too deeply nested values.
    """
    node = _compose(text)
    values = _Values()
    return node, None if node is None else values.of(node, ()), values.flaws


def _compose(text: str) -> Node | None:
    if odd := _UNPRINTABLE.search(text):
        line, column = _position(text, odd.start())
        raise YamlError(f"not a text file: it has the character U+{ord(odd[0]):04X}", line=line, column=column)
    try:
        if len(text) > MAX_UNCHECKED:
            _check_depth(text)
        node: Node | None = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _plain(error, text) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(f"not valid YAML: {error}") from None
    return node


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _too_deep(event)


def _too_deep(at: Any) -> YamlError:
    return _bad(f"nested deeper than {MAX_DEPTH} levels", at)


def _bad(message: str, at: Any, path: tuple[str | int, ...] = (), remedy: str = "") -> YamlError:
    """A flaw at a node or event."""
    mark, field = at.start_mark, ".".join(map(str, path))
    return YamlError(message, line=mark.line + 1, column=mark.column + 1, field=field, remedy=remedy)


def _plain(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    """PyYAML's error in plain words."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if rest.startswith("\t") or (line <= len(lines) and lines[line - 1][: column - 1].lstrip(" ").startswith("\t")):
        return YamlError(
            "a tab in the indentation", line=line, column=column, remedy="YAML is indented with spaces only"
        )
    problem = str(error.problem)
    remedy = next(hint for words, hint in _HINTS if words in problem)
    if error.context_mark and error.context_mark.line + 1 < line:
        problem = f"{problem}, {error.context} that starts on line {error.context_mark.line + 1}"
    return YamlError(f"not valid YAML: {problem}", line=line, column=column, remedy=remedy)


def _position(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


class _Values:
    """Turns one node tree into values; counts them, as an alias may stand for a great many."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.tidied: set[int] = set()
        self.merging: set[int] = set()
        self.flaws: list[YamlError] = []

    def of(self, node: Node, path: tuple[str | int, ...]) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _bad(f"more than {MAX_VALUES} values; aliases (*name) count each time", node)
        if len(path) > MAX_DEPTH:
            raise _too_deep(node)
        if isinstance(node, ScalarNode):
            return _scalar(node, path)
        if isinstance(node, MappingNode):
            self._tidy(node, path)
            _untagged(node, "map", path)
            return {key.value: self.of(value, (*path, key.value)) for key, value in node.value}
        _untagged(node, "seq", path)
        return [self.of(item, (*path, i)) for i, item in enumerate(node.value)]

    def _tidy(self, node: MappingNode, path: tuple[str | int, ...]) -> None:
        """Check the keys of a mapping, and put what ``<<`` brings in its place."""
        if id(node) in self.tidied:
            return
        if id(node) in self.merging:
            raise _bad("`<<` merges a mapping into itself", node, path)
        self.merging.add(id(node))
        own: dict[str, tuple[ScalarNode, Node]] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise _bad("a key must be plain text", key, path, "text that starts with { or [ must be put in quotes")
            if key.tag == _MERGE:
                merged.extend(value.value if isinstance(value, SequenceNode) else [value])
            elif key.value in own:
                first = own[key.value][0].start_mark.line + 1
                self.flaws.append(
                    _bad(f"given twice, first on line {first}", key, (*path, key.value), "keep one of them")
                )
            else:
                own[key.value] = (key, value)
        for source in merged:
            if not isinstance(source, MappingNode):
                raise _bad("`<<` takes a mapping, or a list of mappings", source, path)
            self._tidy(source, path)
            for key, value in source.value:
                own.setdefault(key.value, (key, value))
        node.value = list(own.values())
        self.merging.remove(id(node))
        self.tidied.add(id(node))


def _untagged(node: Node, kind: str, path: tuple[str | int, ...]) -> None:
    if node.tag != _TAG + kind:
        raise _tag(node, path)


def _tag(node: Node, path: tuple[str | int, ...]) -> YamlError:
    return _bad(f"the YAML tag {node.tag.replace(_TAG, '!!')} is not allowed in a recipe", node, path, "remove the tag")


def _scalar(node: ScalarNode, path: tuple[str | int, ...]) -> Any:
    text: str = node.value
    try:
        match node.tag.removeprefix(_TAG):
            case "str" if "\0" not in text:
                return text
            case "str":
                raise _bad("a text with a NUL character", node, path)
            case "int" if len(text) <= 300:  # longer ones cost quadratic time
                return int(text)
            case "int" | "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            case "bool":
                return ("false", "true").index(text.lower()) == 1
            case "null":
                return None
    except ValueError:  # an explicit tag on another text, such as `!!int x`
        raise _tag(node, path) from None
    raise _tag(node, path)
