"""Recipe values -> ``pulsar2.json``: a Jinja template in a sandbox, what it renders read as JSON and checked.

Folders with templates are searched in the order given; the last one, the shipped one, is also there under ``shipped/``,
so that a template of the user's can extend the one that it takes the place of.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from recipebuild.errors import StepError
from recipebuild.pulsar2.config import BuildConfig, to_json

if TYPE_CHECKING:
    from jinja2 import Environment

    from recipebuild.calibration.preprocess import ImageSpec

TEMPLATE = "pulsar2/config.json.j2"
_CALIBRATION = "calibration.tar"
_VALUES = "hardware, npu_mode, method, count, input.name, input.shape, input.color, input.mean, input.std"


def config_text(
    hardware: str, npu_mode: str, method: str, count: int, input: ImageSpec, template_dirs: Sequence[Path]
) -> str:
    """The configuration of a build from the files ``model.onnx`` and ``calibration.tar`` of one folder, run in it.

    Args:
        hardware: ``AX650``...
        npu_mode: ``NPU1`` to ``NPU4``, as far as the hardware has them.
        method: Calibration method.
        count: Images in the calibration archive.
        input: The network's input.
        template_dirs: Folders with templates, the user's first, the shipped one last.

    Raises:
        StepError: If the template or what it renders is wrong; it names the file, and the line or the field.
    """
    values = {
        "hardware": hardware,
        "npu_mode": npu_mode,
        "method": method,
        "count": count,
        "input": input.model_dump(mode="json"),
    }
    source, config = _build_config(values, template_dirs)
    for number, given in enumerate(config.quant.input_configs):
        if given.calibration_dataset != _CALIBRATION:
            raise StepError(
                f"{source}: quant.input_configs[{number}].calibration_dataset is {given.calibration_dataset!r}, "
                f"but the build folder has {_CALIBRATION}",
                remedy="leave that field as it is, and set calibration.source in the recipe",
            )
    return to_json(config)


def render(values: Mapping[str, Any], template_dirs: Sequence[Path]) -> str:
    """Render ``pulsar2/config.json.j2`` with ``values``; arguments and errors are those of ``config_text``."""
    return to_json(_build_config(values, template_dirs)[1])


def _build_config(values: Mapping[str, Any], template_dirs: Sequence[Path]) -> tuple[str, BuildConfig]:
    """The template's file, and the configuration that it renders."""
    source, text = _rendered(values, template_dirs)
    _check_json(text, source)
    try:
        return source, BuildConfig.model_validate_json(text)
    except ValidationError as error:
        problems = [_problem(p["loc"], p["msg"]) for p in error.errors(include_url=False)]
        raise StepError(
            f"{source} renders an invalid configuration: {problems[0]}",
            remedy="\n".join(
                [*problems[1:], "correct the template; recipebuild render shows the shipped one's result"]
            ),
        ) from None


def _rendered(values: Mapping[str, Any], template_dirs: Sequence[Path]) -> tuple[str, str]:
    """The template's file, and what it renders."""
    import jinja2

    environment = _environment(template_dirs)
    try:
        template = environment.get_template(TEMPLATE)
        return template.filename or TEMPLATE, template.render(values)
    except jinja2.TemplateSyntaxError as error:
        raise StepError(f"{error.filename}:{error.lineno}: {error.message}", remedy="correct the template") from None
    except jinja2.TemplateNotFound as error:
        folders = ", ".join(str(folder) for folder in template_dirs)
        raise StepError(
            f"no template {error.name} in {folders}", remedy="shipped templates are under shipped/"
        ) from None
    except Exception as error:  # a template is a program: it can raise anything
        raise StepError(
            f"{_place(error, template_dirs)}: {' '.join(str(error).split())}",
            remedy=f"correct the template; the values it has are {_VALUES}",
        ) from None


def _environment(template_dirs: Sequence[Path]) -> Environment:
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    *_, shipped = template_dirs
    loaders = [PrefixLoader({"shipped": FileSystemLoader(shipped)}), *map(FileSystemLoader, template_dirs)]
    environment = ImmutableSandboxedEnvironment(loader=ChoiceLoader(loaders), undefined=StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _no_json}
    # The same values must give the same bytes.
    del environment.filters["random"], environment.globals["lipsum"]
    return environment


def _no_json(value: object) -> None:
    str(value)  # of an undefined value, it raises the error that names it
    raise TypeError(f"{value!r} cannot be written as JSON")


def _place(error: Exception, template_dirs: Sequence[Path]) -> str:
    """The template's file and line where ``error`` was raised: Jinja puts them into the traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if any(Path(frame.filename).is_relative_to(folder) for folder in template_dirs):
            return f"{frame.filename}:{frame.lineno}"
    return TEMPLATE


def _check_json(text: str, source: str) -> None:
    """Refuse what is not plain JSON, and what JSON readers pass over in silence."""

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not a number in JSON")

    def no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        for key, _ in pairs:
            if sum(key == other for other, _ in pairs) > 1:
                raise ValueError(f"the key {key} is there twice")
        return result

    try:
        json.loads(text, parse_constant=no_constant, object_pairs_hook=no_repetition)
    except json.JSONDecodeError as error:
        line = text.splitlines()[error.lineno - 1].strip() if text.strip() else ""
        raise StepError(
            f"{source} renders text that is not JSON: {error.msg}: {line[:120]!r}",
            remedy="look for a comma too many or too few at the seams of the blocks",
        ) from None
    except (ValueError, RecursionError) as error:
        raise StepError(f"{source} renders text that is not JSON: {error}", remedy="correct the template") from None


def _problem(location: tuple[int | str, ...], message: str) -> str:
    """``quant.input_configs[0].calibration_size: Input should be a valid integer``."""
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    return f"{field}: {message}" if field else message.removeprefix("Value error, ")
