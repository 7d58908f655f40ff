"""Reading configurations as people write them: relaxed JSON, YAML, TOML or prototxt, by the file's suffix.

Use: ``read(path).config``. What the schema does not know is set aside, not lost; a scalar where the schema has a list
is taken for a list of one, as the tool does it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from recipebuild.errors import RecipeError
from recipebuild.toolkit.pulsar2.config.build import BuildConfig
from recipebuild.toolkit.pulsar2.config.lines import line_of
from recipebuild.toolkit.pulsar2.config.message import Message
from recipebuild.toolkit.pulsar2.config.prototxt import PrototxtError, parse_prototxt

MAX_BYTES = 16 << 20
ARCHIVES = (".tar", ".tar.gz", ".zip")
SELECTORS = ("layer_name", "layer_names", "op_type", "op_types", "start_tensor_names", "end_tensor_names")
REQUIRED = {"input": "model.onnx", "output_dir": "output"}
"""Fields that the tool's command line mostly gives; what is put in their place if the file does not."""

_YAML = (".yaml", ".yml")
_LEXEME = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|#[^\n]*|/\*.*?\*/', re.S)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
_TAB = re.compile(r'("(?:\\.|[^"\\])*")', re.S)


@dataclass(frozen=True)
class Read:
    """A configuration, and what its file has beyond it.

    Attributes:
        config: What is in the schema, valid.
        unknown: What is not, as the file has it: nested like the file, lists as mappings from index to element.
        notes: What was taken other than as it is written, one line each.
        written: The fields at the top that the file has.
        dataset: The first input's calibration set where that is no archive, as the file has it.
    """

    config: BuildConfig
    unknown: dict[str, Any]
    notes: tuple[str, ...]
    written: frozenset[str] = frozenset()
    dataset: str = ""


def read(path: Path, *, mend: bool = False) -> Read:
    """Read a configuration file.

    Args:
        path: The file.
        mend: Note what the tool refuses and a recipe can do without, and read on: a calibration set that is no archive,
            and a layer selector without a layer.

    Raises:
        RecipeError: If it cannot be read, is not text of the kind that its suffix says, or is not valid.
    """
    text = _text(path)
    values = _values(path, text)
    notes: list[str] = []
    known, unknown = sort_fields(values, notes, scalars_are_lists=path.suffix == ".prototxt")
    dataset = _mended(known, notes, path, text) if mend else ""
    config = REQUIRED | known
    try:
        model = BuildConfig.model_validate_json(json.dumps(config))
        return Read(model, unknown, tuple(notes), frozenset(values), dataset)
    except ValidationError as error:
        problems = [problem(each["loc"], each["msg"]) for each in error.errors(include_url=False)]
        remedy = "\n".join([*problems[1:], "correct the file, or take the field out and say it in the recipe"])
        raise RecipeError(f"{_place(path, text, error.errors()[0]['loc'])}: {problems[0]}", remedy=remedy) from None


def _mended(known: dict[str, Any], notes: list[str], path: Path, text: str) -> str:
    """Take out what a recipe can do without; the first input's calibration set, if it is no archive."""
    quant: Any = known.get("quant")
    if not isinstance(quant, dict):
        return ""
    sets = []
    for at, entry in enumerate(quant.get("input_configs", ())):
        written = entry.get("calibration_dataset") if isinstance(entry, dict) else None
        if isinstance(written, str) and not written.endswith(ARCHIVES):
            sets.append(written)
            entry["calibration_dataset"] = "calibration.tar"
            what = f"is {written}, which is no archive: the recipe makes one" if written else "names nothing"
            notes.append(f"quant.input_configs[{at}].calibration_dataset {what}")
    layers = quant.get("layer_configs", [])
    idle = [at for at, layer in enumerate(layers) if isinstance(layer, dict) and _selects_nothing(layer)]
    for at in reversed(idle):
        del layers[at]
    for at in idle:
        place = _place(path, text, ("quant", "layer_configs", at))
        notes.append(f"{place}: quant.layer_configs[{at}] selects no layer, and is left out")
    return sets[0] if sets else ""


def _selects_nothing(layer: Mapping[str, Any]) -> bool:
    """Whether a layer's selectors are there, and all of them empty."""
    selectors = [layer[name] for name in SELECTORS if name in layer]
    return bool(selectors) and not any(selectors)


def _place(path: Path, text: str, location: tuple[int | str, ...]) -> str:
    """The file, with the line of a field where that can be told."""
    line = line_of(text if path.suffix.lower() in _YAML else _bare(text), location)
    if line is None:
        name = next((part for part in reversed(location) if isinstance(part, str)), "")
        lines = [at for at, each in enumerate(text.splitlines(), start=1) if name and re.search(rf"\b{name}\b", each)]
        line = lines[0] if len(lines) == 1 else None
    return f"{path}:{line}" if line else str(path)


def sort_fields(
    values: Mapping[str, Any], notes: list[str] | None = None, *, scalars_are_lists: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sort JSON values into those that the schema knows, with lists where it has lists, and the others.

    Args:
        values: A configuration.
        notes: Gets a line for each scalar that was taken for a list.
        scalars_are_lists: Whether that is how the file's format writes a list of one.
    """
    return _sort(values, BuildConfig, "", [] if notes is None else notes, scalars_are_lists=scalars_are_lists)


def problem(location: tuple[int | str, ...], message: str) -> str:
    """``quant.input_configs[0].calibration_size: Input should be a valid integer``."""
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    message = message.removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def relaxed_json(text: str) -> Any:
    """The value of JSON text that may have ``//``, ``/* */`` and ``#`` comments, trailing commas, and tabs in strings.

    Raises:
        ValueError: If it is not that; of a syntax error, with the line.
    """
    try:
        return json.loads(_bare(text), object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _bare(text: str) -> str:
    """Strict JSON, with each field in the line that it has in relaxed JSON."""
    bare = _LEXEME.sub(lambda match: match[0] if match[0].startswith('"') else re.sub(r"[^\n]", " ", match[0]), text)
    bare = _TRAILING.sub(lambda match: match[1] or " ", bare)
    return _TAB.sub(lambda match: match[1].replace("\t", "\\t"), bare)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key} is there twice")
        result[key] = value
    return result


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise RecipeError(f"{path} is larger than {MAX_BYTES >> 20} MiB: this is not a configuration")
        return data.decode("utf-8-sig")
    except OSError as error:
        remedy = "name a configuration of pulsar2 build: .json, .yaml, .toml or .prototxt"
        raise RecipeError(f"{path} cannot be read: {error.strerror}", remedy=remedy) from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path} is not UTF-8 text") from None


def _values(path: Path, text: str) -> dict[str, Any]:
    """What is written in the file."""
    try:
        values = _parse(text, path.suffix.lower())
    except (ValueError, PrototxtError) as error:
        kind = {".toml": "TOML", ".prototxt": "prototxt", ".yaml": "YAML", ".yml": "YAML"}.get(
            path.suffix.lower(), "JSON"
        )
        remedy = f"correct the file; it is read as {kind}, by its name"
        raise RecipeError(f"{path}: {' '.join(str(error).split())}", remedy=remedy) from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise RecipeError(f"{path} does not hold a configuration: it is not a mapping of fields")
    return values


def _parse(text: str, suffix: str) -> Any:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix == ".prototxt":
        return parse_prototxt(text)
    if suffix in _YAML:
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None
    return relaxed_json(text)


def _sort(
    values: Mapping[str, Any], message: type[Message], where: str, notes: list[str], *, scalars_are_lists: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sort ``values`` into fields of ``message`` and others, all the way down; make lists where the schema has them."""
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name, value in values.items():
        field = message.model_fields.get(name)
        place = f"{where}{name}"
        if field is None:
            unknown[name] = value
            continue
        inner, is_list = _kind(field.annotation)
        if is_list and not isinstance(value, list):
            if not scalars_are_lists:
                notes.append(f"{place} is {json.dumps(value)[:60]}, and is taken for a list of that one")
            value = [value]
        if inner is None:
            known[name] = value
        elif is_list:
            elements = [
                _sort(each, inner, f"{place}[{at}].", notes, scalars_are_lists=scalars_are_lists)
                if isinstance(each, dict)
                else (each, {})
                for at, each in enumerate(value)
            ]
            known[name] = [each for each, _ in elements]
            if rest := {str(at): each for at, (_, each) in enumerate(elements) if each}:
                unknown[name] = rest
        elif isinstance(value, dict):
            known[name], rest = _sort(value, inner, f"{place}.", notes, scalars_are_lists=scalars_are_lists)
            if rest:
                unknown[name] = rest
        else:
            known[name] = value
    return known, unknown


def _kind(annotation: Any) -> tuple[type[Message] | None, bool]:
    """The message that a field holds, if any, and whether it holds a list."""
    if isinstance(annotation, type) and issubclass(annotation, Message):
        return annotation, False
    if get_origin(annotation) is tuple:
        element = get_args(annotation)[0]
        return (element if isinstance(element, type) and issubclass(element, Message) else None), True
    return None, False
