"""Libraries' errors in one line."""

from __future__ import annotations

import pytest

from recipebuild.errors import reason


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("\n\n  first   line \nsecond"), "first line"),
        (ValueError("Validation error for field 'depths':\n    TypeError: no list"), None),
        (KeyError(), "KeyError"),
        (RuntimeError("\x1b[1mdo not\x1b[0m"), "do not"),
        (OSError("no answer from http://me:secret@mirror.test/x"), "no answer from http://mirror.test/x"),
    ],
)
def test_reason(error: Exception, text: str | None) -> None:
    assert reason(error) == (text or "Validation error for field 'depths': TypeError: no list")


def test_a_long_line_is_cut() -> None:
    assert len(reason(ValueError("x" * 1000))) == 200
