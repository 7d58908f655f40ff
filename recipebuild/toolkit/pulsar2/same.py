"""Whether two configurations mean the same: ``same(one, other)``.

They do if they are equal once what is left out is filled in (documented defaults; mean and std of ``input_processors``
from calibration) and once what belongs to the build and not to the configuration is left aside: the paths of the model,
of the output, and of the one calibration archive.
"""

from __future__ import annotations

from typing import Any

from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.config.message import DEFAULT

_PATHS = ("input", "output_dir", "output_name", "work_dir")


def same(one: BuildConfig, other: BuildConfig) -> bool:
    """Whether they mean the same to the tool."""
    return filled_in(one) == filled_in(other)


def filled_in(config: BuildConfig) -> dict[str, Any]:
    """All fields of a configuration, as JSON values; without paths, and with the one input's name as ``DEFAULT``."""
    values = config.model_dump(mode="json", exclude=set(_PATHS))
    parts = zip(config.compiler.sub_configs, values["compiler"]["sub_configs"], strict=True)
    values["compiler"]["sub_configs"] = [  # a part inherits what it does not say, so there nothing is filled in
        {name: value for name, value in part.items() if name in sub_config.model_fields_set}
        for sub_config, part in parts
    ]
    calibrated, processors = values["quant"]["input_configs"], values["input_processors"]
    for processor in processors:
        by_name = {each["tensor_name"]: each for each in calibrated}
        entry = by_name.get(processor["tensor_name"]) or by_name.get(DEFAULT)
        if entry is None and processor["tensor_name"] == DEFAULT and len(calibrated) == 1:
            entry = calibrated[0]
        for name in ("mean", "std"):
            processor[name] = processor[name] or (entry or {}).get(f"calibration_{name}", [])
        if not any(processor["mean"]) and set(processor["std"]) <= {1.0}:
            processor["mean"] = processor["std"] = []  # no normalization
    if len({each["tensor_name"] for each in (*calibrated, *processors)} - {DEFAULT}) <= 1:
        for each in (*calibrated, *processors):
            each["tensor_name"] = DEFAULT
    if len(calibrated) == 1:
        del calibrated[0]["calibration_dataset"]
    return values
