"""A configuration when all is settled: valid, with its overrides, and within the version that the recipe names.

``settled(build, values, source)`` is what a template's values go through; ``composed(build)`` is what comes of the
values without a template: what the shipped one renders, found without an engine for templates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from recipebuild.errors import StepError
from recipebuild.toolkit.pulsar2.compose import BuildSettings, compose
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.config.read import problem, sort_fields
from recipebuild.toolkit.pulsar2.config.versions import too_new, unpublished
from recipebuild.toolkit.pulsar2.config.write import merged, plain, text_of


@dataclass(frozen=True)
class SettledConfig:
    """A configuration.

    Attributes:
        config: What is in the documented schema.
        unknown: What ``overrides`` has beyond it, which is passed through.
        text: Both, as the file's text.
    """

    config: BuildConfig
    unknown: dict[str, Any]
    text: str

    @property
    def warnings(self) -> list[str]:
        """What the user should know about it."""
        fields = [f"pulsar2.overrides: {field} is not documented" for field in paths(self.unknown)]
        values = [f"{value} is in Pulsar2's own proto, and on no page of its documentation"
                  for value in unpublished(self.config)]  # fmt: skip
        return [f"RB313 {what}; it is passed through" for what in (*fields, *values)]


def settled(build: BuildSettings, values: Mapping[str, Any], source: str) -> SettledConfig:
    """The configuration of a build from the files ``model.onnx`` and the calibration archive of one folder, run in it.

    Args:
        build: What to configure.
        values: The configuration's JSON values, before overrides.
        source: Where they come from, for messages.

    Raises:
        StepError: If they are not valid (it names the field), if an override is wrong, or if the version of Pulsar2
            that the recipe names does not have all of it.
    """
    config = _valid(values, f"{source} renders an invalid configuration", "correct the template")
    expected = compose(build)["calibration"].get("calibration_dataset", "no calibration set")
    for number, entry in enumerate(config.quant.input_configs):
        if entry.calibration_dataset != expected:
            raise StepError(
                f"{source}: quant.input_configs[{number}].calibration_dataset is {entry.calibration_dataset!r}, "
                f"but the build folder has {expected}",
                remedy="keep that field, and set calibration.source in the recipe",
            )
    known, unknown = sort_fields(merged(plain(config), build.overrides))
    config = _valid(known, "pulsar2.overrides make an invalid configuration", "correct pulsar2.overrides in the recipe")
    if build.version and (newer := too_new(config, build.version)):
        words = [f"{new.what}: Pulsar2 {new.first} has it" for new in newer]
        raise StepError(
            f"Pulsar2 {build.version} does not have {words[0]}",
            remedy="\n".join([*words[1:], "set pulsar2.version to one that has it, or leave it out"]),
        )
    return SettledConfig(config, unknown, text_of(merged(plain(config), unknown)))


def composed(build: BuildSettings) -> SettledConfig:
    """What the shipped template renders; errors as those of ``settled``."""
    values = compose(build)
    config = {
        "input": values["model"],
        "output_dir": "pulsar2",
        "model_type": values["model_type"],
        "target_hardware": values["hardware"],
        "npu_mode": values["npu_mode"],
        "quant": {"input_configs": [values["calibration"]] if values["calibration"] else [], **values["quant"]},
        "input_processors": [values["processor"]] if values["processor"] else [],
        "compiler": values["compiler"],
    }
    return settled(build, config, "the recipe")


def paths(unknown: Mapping[str, Any], before: str = "") -> list[str]:
    """The fields of ``unknown``, as one writes them: ``quant.input_configs[0].colour``."""
    places = []
    for name, value in unknown.items():
        at = f"{before}[{name}]" if name.isdigit() else f"{before}.{name}".lstrip(".")
        places += paths(value, at) if isinstance(value, dict) and value else [at]
    return places


def _valid(values: Mapping[str, Any], wrong: str, remedy: str) -> BuildConfig:
    try:
        return BuildConfig.model_validate_json(json.dumps(values))
    except ValidationError as error:
        problems = [problem(p["loc"], p["msg"]) for p in error.errors(include_url=False)]
        more = "recipebuild render shows the shipped template's result"
        raise StepError(f"{wrong}: {problems[0]}", remedy="\n".join([*problems[1:], f"{remedy}; {more}"])) from None
