"""A change of a recipe: settings of quantization, and blocks in 16 bit."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from recipebuild.figures.sensitivity import Sensitivity

LAYERS = "quantization.layers"


@dataclass(frozen=True)
class TunableBlock:
    """A part of the network that can get 16 bits.

    Attributes:
        name: What to call it.
        patterns: What selects its layers in ``quantization.layers``: its module, or the names of its layers.
        share: Of the model's multiply-adds, 0..1.
        gain: What 8 bits cost it: noise at the output, relative to the signal.
    """

    name: str
    patterns: tuple[str, ...]
    share: float
    gain: float

    @property
    def layers(self) -> dict[str, Any]:
        """Its entry of ``quantization.layers``."""
        return {"module": self.patterns[0] if len(self.patterns) == 1 else list(self.patterns), "dtype": "U16"}


@dataclass(frozen=True)
class RecipeChange:
    """What a variant of a recipe says that the recipe does not.

    Attributes:
        settings: Values of fields.
        wide: The blocks in 16 bit.
        operators: Types of operators without multiply-adds in 16 bit.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    wide: tuple[TunableBlock, ...] = ()
    operators: tuple[str, ...] = ()

    def with_setting(self, name: str, value: Any) -> RecipeChange:
        """With one more setting."""
        return replace(self, settings={**self.settings, name: value})

    def without_setting(self, name: str) -> RecipeChange:
        """With one setting fewer."""
        return replace(self, settings={key: value for key, value in self.settings.items() if key != name})

    def values(self, layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """All fields that it sets, with ``layers`` of the recipe's own before those of its blocks."""
        operators = [{"op": list(self.operators), "dtype": "U16"}] if self.operators else []
        wide = [*layers, *operators, *(block.layers for block in self.wide)]
        return {**self.settings, **({LAYERS: wide} if self.wide or operators else {})}

    @property
    def key(self) -> str:
        """The same for changes that are the same, in whatever order they were put together."""
        blocks = sorted(block.name for block in self.wide)
        return json.dumps([dict(sorted(self.settings.items())), blocks, sorted(self.operators)])

    @property
    def parts(self) -> int:
        """How many things somebody has to read."""
        inside = sum(len(value) for value in self.settings.values() if isinstance(value, dict))
        return len(self.settings) + inside + len(self.wide) + len(self.operators)

    def __str__(self) -> str:
        words = [f"{name.rpartition('.')[2]} {_short(value)}".strip() for name, value in sorted(self.settings.items())]
        words += [f"{' and '.join(self.operators)} in 16 bit"] if self.operators else []
        if self.wide:
            words.append(f"{len(self.wide)} block{'s' * (len(self.wide) > 1)} in 16 bit")
        return ", ".join(words) or "as it is"


def blocks_of(sensitivity: Sensitivity) -> list[TunableBlock]:
    """The blocks that the step sensitivity found, and that have layers of their own to change."""
    least = sensitivity.none["noise"]
    return [
        TunableBlock(
            row["block"],
            (row["module"],) if row["module"] else tuple(map(glob.escape, row["layers"])),
            row["share"],
            max(0.0, row["alone"]["noise"] - least),
        )
        for row in sensitivity.blocks
        if row["layers"]
    ]


def _short(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
