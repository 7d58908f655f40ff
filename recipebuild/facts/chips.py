"""The chips that recipes may name: a row for each.

Sources: pulsar2-docs-en, user_guides_config/config.md (hardware) and neutron/introduction.md (NPU modes: AX637 and M57
have one core; AX630C and AX620Q are chips of AX620E); the titles of the AX650 pages, which hold for AX650A, AX650N,
AX8850 and M76H; pulsar2/introduction.md (M57H, in the series of M57); ax-samples, benchmark/Benchmark_AX637_AX8910.md.
LAMBERT, LAGUNA and AX620L are in the proto of Pulsar2's image and on no page (Magnetar, pulsar2_reference_config.json),
as are NPU5 and the ISP modes: what they can do is not known, so every mode is let through.
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
        npu_modes: How many NPU cores a model may be compiled for, ascending; the last is what recipes get.
        built_as: What Pulsar2 calls it, where that is another name: ``pulsar2 build`` does not know its own.
        operators: The table of operators in ``toolkit/pulsar2/operators/``, by name; ``None`` if none is published.
        on_chip: Bytes that one tile set may take, by NPU mode, where they are published: NPU1 GitHub onnxsim/onnxsim,
            scripts/axera; NPU3 GitHub AXERA-TECH/Magnetar, diarizen (an image of May 2026).
        published: Whether the documentation has a page that names it.
        latency: Whose measurements in ``toolkit/board/latency.yaml`` its times are estimated from, if anyone's.
    """

    name: str
    npu_modes: tuple[str, ...]
    built_as: str | None = None
    operators: str | None = None
    on_chip: Mapping[str, int] = field(default_factory=dict)
    published: bool = True
    latency: str | None = None

    @property
    def target(self) -> str:
        """What ``pulsar2 build`` calls it."""
        return self.built_as or self.name


_AX650_BYTES = {"NPU1": 3_141_632, "NPU3": 11_530_240}
_UNPUBLISHED_MODES = ("NPU5", "ISP1", "ISP2", "ISP3")
_ONE, _TWO, _THREE = ("NPU1",), ("NPU1", "NPU2"), ("NPU1", "NPU2", "NPU3")

CHIPS = {
    chip.name: chip
    for chip in (
        Chip("AX650", _THREE, operators="AX650", on_chip=_AX650_BYTES, latency="AX650"),
        Chip("AX620E", _TWO, operators="AX620E"),
        Chip("AX615", _TWO, operators="AX615", latency="AX615"),
        Chip("AX637", _ONE, operators="AX637", latency="AX637"),
        Chip("AX8860", ("NPU1", "NPU2", "NPU4")),
        Chip("M57", _ONE, operators="M57"),
        Chip("M76H", _THREE, operators="AX650"),
        Chip("AX650A", _THREE, built_as="AX650", operators="AX650", latency="AX650"),
        Chip("AX650N", _THREE, built_as="AX650", operators="AX650", latency="AX650"),
        Chip("AX8850", _THREE, built_as="AX650", operators="AX650", latency="AX650"),
        Chip("AX630C", _TWO, built_as="AX620E", operators="AX620E", latency="AX630C"),
        Chip("AX620Q", _TWO, built_as="AX620E", operators="AX620E", latency="AX620Q"),
        Chip("AX8910", _ONE, built_as="AX637", operators="AX637", latency="AX637"),
        Chip("M57H", _ONE, built_as="M57", operators="M57"),
        *(Chip(name, (*_UNPUBLISHED_MODES, *_THREE), published=False) for name in ("LAMBERT", "LAGUNA", "AX620L")),
    )
}
"""All chips, by name."""

if TYPE_CHECKING:
    Hardware = str
    TargetHardware = str
    NpuMode = str
else:
    Hardware = Literal[tuple(CHIPS)]
    TargetHardware = Literal[tuple(name for name, chip in CHIPS.items() if chip.built_as is None)]
    NpuMode = Literal[tuple(dict.fromkeys(mode for chip in CHIPS.values() for mode in chip.npu_modes))]
