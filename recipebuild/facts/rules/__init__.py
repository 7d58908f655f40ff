"""What is worth a warning, by code: ``rules()["RB101"]``; the rows are in the YAML files beside this one.

The first digit is the kind, as ``KINDS`` has it. A code is never given to another rule, so that recipes and scripts may
hold on to it; messages start with it: ``warning: RB101 input_processors[0].src_format is BGR ...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KINDS: Mapping[str, str] = {
    "RB1": "What the network sees: colours, mean and std, tensors",
    "RB2": "Calibration",
    "RB3": "Precision, and what else the configuration asks for",
    "RB4": "Operators and graphs",
    "RB5": "The recipe and this machine",
    "RB6": "What a build came to",
    "RB7": "The board",
    "RB8": "Hub, stores and clusters",
}
"""What the codes are about, by their first three characters: up to a hundred of each kind."""

_FILES = ("calibration.yaml", "graph.yaml", "input.yaml", "outcome.yaml", "precision.yaml")

_DIGITS = str.maketrans("OI", "01")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        code: Its name for good: ``RB101``.
        what: What it says, in one line.
        why: What goes wrong otherwise.
        example: Where it speaks: a piece of a recipe, of a configuration, or of a model.
        remedy: What to do about it.
        source: Where that is known from; every rule that speaks of Pulsar2, the NPU or the board has one.
    """

    code: str
    what: str
    why: str
    example: str
    remedy: str
    source: str = ""

    def __str__(self) -> str:
        import textwrap

        lines = [f"{self.code}: {self.what}", ""]
        for name, text in (("why", self.why), ("example", self.example), ("remedy", self.remedy)):
            lines += textwrap.wrap(text, 100, initial_indent=f"  {name:<9}", subsequent_indent=" " * 11)
        lines += textwrap.wrap(self.source, 100, initial_indent=f"  {'source':<9}", subsequent_indent=" " * 11)
        silence = f'check: {{ignore: {{{self.code}: "why it does not matter here"}}}}'
        return "\n".join([*lines, "", f"To silence it in a recipe: {silence}", ""])


def nearest(code: str) -> str | None:
    """The code that is most like another word (O and I are taken for digits); ``None`` if none is."""
    import difflib

    return next(iter(difflib.get_close_matches(code.upper().translate(_DIGITS), rules(), 1)), None)


@cache
def rules() -> dict[str, Rule]:
    """All rules, by code, in order."""
    import yaml

    rows: dict[str, Rule] = {}
    for name in _FILES:
        text = Path(__file__).with_name(name).read_text(encoding="utf-8")
        for code, row in yaml.safe_load(text).items():
            rows[code] = Rule(code, **row)
    return dict(sorted(rows.items()))
