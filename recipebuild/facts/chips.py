"""The chips that recipes may name: a row for each.

Sources: pulsar2-docs-en, user_guides_config/config.md (hardware, NPU modes); neutron/introduction.md (AX637 and M57
have one NPU core); the titles of the AX650 pages, which hold for AX650A, AX650N, AX8850 and M76H.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class Chip:
    """One chip.

    Attributes:
        name: As its maker calls it.
        npu_modes: How many NPU cores a model may be compiled for.
        built_as: What Pulsar2 calls it, where that is another name: ``pulsar2 build`` does not know its own.
        operators: The table of operators in ``toolkit/pulsar2/operators/``, by name; ``None`` if none is published.
        on_chip: Bytes that one tile set may take, by NPU mode, where they are published: NPU1 GitHub onnxsim/onnxsim,
            scripts/axera; NPU3 GitHub AXERA-TECH/Magnetar, diarizen (an image of May 2026).
        latency: Whether ``toolkit/board/latency.yaml`` has measurements of it, from which times are estimated.
    """

    name: str
    npu_modes: tuple[str, ...]
    built_as: str | None = None
    operators: str | None = None
    on_chip: Mapping[str, int] = field(default_factory=dict)
    latency: bool = False


_AX650_BYTES = {"NPU1": 3_141_632, "NPU3": 11_530_240}
_ONE, _TWO, _THREE = ("NPU1",), ("NPU1", "NPU2"), ("NPU1", "NPU2", "NPU3")

CHIPS = {
    chip.name: chip
    for chip in (
        Chip("AX650", _THREE, operators="AX650", on_chip=_AX650_BYTES, latency=True),
        Chip("AX620E", _TWO, operators="AX620E"),
        Chip("AX615", _TWO, operators="AX615"),
        Chip("AX637", _ONE, operators="AX637"),
        Chip("AX8860", ("NPU1", "NPU2", "NPU4")),
        Chip("M57", _ONE, operators="M57"),
        Chip("M76H", _THREE, operators="AX650"),
        Chip("AX650A", _THREE, built_as="AX650", operators="AX650"),
        Chip("AX650N", _THREE, built_as="AX650", operators="AX650"),
        Chip("AX8850", _THREE, built_as="AX650", operators="AX650"),
        Chip("AX630C", _TWO, built_as="AX620E", operators="AX620E"),
    )
}
"""All chips, by name."""

if TYPE_CHECKING:
    Hardware = str
    NpuMode = str
else:
    Hardware = Literal[tuple(name for name, chip in CHIPS.items() if chip.built_as is None)]
    NpuMode = Literal[tuple(sorted({mode for chip in CHIPS.values() for mode in chip.npu_modes}))]
