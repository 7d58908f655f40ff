"""Lines with codes are taken apart, and those that the recipe answers rest."""

from __future__ import annotations

from recipebuild.results.notes import Note, answered

LINES = ["note: RB502 model.weights is random", "warning: lint: RB402 AX650: Einsum a: b", "warning: something else"]


def test_lines_stay_as_they_are_where_nothing_is_ignored() -> None:
    lines, coded = answered([*LINES, LINES[0]], {})
    assert lines == LINES
    assert coded == [
        Note("RB502", "note", "", "model.weights is random"),
        Note("RB402", "warning", "lint", "AX650: Einsum a: b"),
    ]


def test_what_is_ignored_comes_last_with_the_reason() -> None:
    lines, coded = answered(LINES, {"RB402": "runs on the host only", "RB101": "not said here"})
    assert lines == [LINES[0], LINES[2], "ignored: lint: RB402 AX650: Einsum a: b (runs on the host only)"]
    assert coded[1].as_json() == {
        "code": "RB402", "level": "ignored", "step": "lint", "text": "AX650: Einsum a: b",
        "reason": "runs on the host only",
    }  # fmt: skip
