"""``quant.json``: which tensor of which operator got which parameters, and why."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recipebuild.formats.part import Part


class Policy(Part):
    """How codes stand for values, in the words of Pulsar2's own file."""

    PER_TENSOR: bool
    PER_CHANNEL: bool
    LINEAR: bool
    EXPONENTIAL: bool
    SYMMETRICAL: bool
    ASYMMETRICAL: bool
    POWER_OF_2: bool


class TensorConfig(Part):
    """A tensor as one operator takes or gives it."""

    bit_width: int = Field(ge=8, le=32)
    policy: Policy
    state: Literal["ACTIVATED", "OVERLAPPED", "BAKED", "PASSIVE_BAKED", "FP32"]
    quant_min: int = Field(description="The smallest code")
    quant_max: int = Field(description="The largest code")
    hash: int = Field(description="This entry's number")
    dominator: int = Field(description="The entry whose parameters it has")
    rule: str = Field(description="Why")


class Values(Part):
    """value = scale * (code - zero_point), one of each for a tensor, or one for each channel."""

    scale: list[float]
    zero_point: list[int]


class Quant(Part):
    """Which tensor of which operator got which parameters, in the shape of Pulsar2's quant_axmodel.json."""

    version: int = Field(description="Of this format")
    tensor_configs: dict[str, dict[str, TensorConfig]] = Field(description="By operator and tensor")
    values: dict[str, Values] = Field(description="By the number of the entry that sets them")
    dropped: list[str] = Field(description="What was asked for and has no effect")
