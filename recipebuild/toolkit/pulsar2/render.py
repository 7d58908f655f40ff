"""What a build needs to know -> ``pulsar2.json``: a Jinja template in a sandbox, then overrides, then all is checked.

A template of the user's goes before the shipped one of its name, which is also there under ``shipped/``, so that it can
extend what it takes the place of.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.resources import template_loader
from recipebuild.toolkit.pulsar2.compose import BuildSettings, compose
from recipebuild.toolkit.pulsar2.settled import SettledConfig, settled

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "pulsar2/config.json.j2"
_VALUES = "hardware, npu_mode, model_type, input.*, calibration, quant, processor, compiler"


def rendered(build: BuildSettings, templates: Mapping[str, Path]) -> SettledConfig:
    """The configuration of a build from the files ``model.onnx`` and the calibration archive of one folder, run in it.

    Args:
        build: What to configure.
        templates: The templates among a step's inputs, as in ``resources.py``.

    Raises:
        StepError: If the template or what it renders is wrong (it names the file, and the line or the field), if an
            override is wrong, or if the version of Pulsar2 that the recipe names does not have all of it.
    """
    source, values = _values(build, templates)
    return settled(build, values, source)


def _values(build: BuildSettings, templates: Mapping[str, Path]) -> tuple[str, dict[str, Any]]:
    """The template's file, and the JSON values that it renders."""
    source, text = _text(build, templates)
    return source, _json_values(text, source)


def _text(build: BuildSettings, templates: Mapping[str, Path]) -> tuple[str, str]:
    """The template's file, and what it renders; a template for the version that is asked for goes first."""
    import jinja2

    environment = _environment(templates)
    versioned = [f"pulsar2/{build.version}/config.json.j2"] if build.version else []
    try:
        template = environment.select_template([*versioned, TEMPLATE])
        return template.filename or TEMPLATE, template.render(compose(build))
    except jinja2.TemplateSyntaxError as error:
        raise StepError(f"{error.filename}:{error.lineno}: {error.message}", remedy="correct the template") from None
    except jinja2.TemplateNotFound as error:
        folders = ", ".join(str(path) for name, path in templates.items() if name.startswith("templates"))
        missing = TEMPLATE if isinstance(error, jinja2.TemplatesNotFound) else error.name
        raise StepError(f"no template {missing} in {folders}", remedy="shipped templates are under shipped/") from None
    except Exception as error:  # a template is a program: it can raise anything
        raise StepError(
            f"{_place(error, templates)}: {' '.join(str(error).split())}",
            remedy=f"correct the template; the values it has are {_VALUES}",
        ) from None


def _environment(templates: Mapping[str, Path]) -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(loader=template_loader(templates), undefined=StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _no_json}
    # The same values must give the same bytes.
    del environment.filters["random"], environment.globals["lipsum"]
    return environment


def _no_json(value: object) -> None:
    str(value)  # of an undefined value, it raises the error that names it
    raise TypeError(f"{value!r} cannot be written as JSON")


def _place(error: Exception, templates: Mapping[str, Path]) -> str:
    """The template's file and line where ``error`` was raised: Jinja puts them into the traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if any(Path(frame.filename).is_relative_to(folder) for folder in templates.values()):
            return f"{frame.filename}:{frame.lineno}"
    return TEMPLATE


def _json_values(text: str, source: str) -> dict[str, Any]:
    """The object that plain JSON text holds; what JSON readers pass over in silence is refused, too."""

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not a number in JSON")

    def no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        for key, _ in pairs:
            if sum(key == other for other, _ in pairs) > 1:
                raise ValueError(f"the key {key} is there twice")
        return result

    try:
        values = json.loads(text, parse_constant=no_constant, object_pairs_hook=no_repetition)
    except json.JSONDecodeError as error:
        line = text.splitlines()[error.lineno - 1].strip() if text.strip() else ""
        raise StepError(
            f"{source} renders text that is not JSON: {error.msg}: {line[:120]!r}",
            remedy="look for a comma too many or too few at the seams of the blocks",
        ) from None
    except (ValueError, RecursionError) as error:
        raise StepError(f"{source} renders text that is not JSON: {error}", remedy="correct the template") from None
    if not isinstance(values, dict):
        raise StepError(f"{source} renders no JSON object: it should be an object", remedy="correct the template")
    return values
