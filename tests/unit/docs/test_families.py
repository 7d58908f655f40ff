"""The page of families: its rows are of types that the script can try again."""

from __future__ import annotations

import re

from scripts.families.__main__ import PAGE, Tried, types, with_rows


def test_every_row_is_of_a_type_that_can_be_tried_again() -> None:
    from transformers import CONFIG_MAPPING

    rows = re.findall(r"^\| `([\w-]+)`", PAGE.read_text(encoding="utf-8"), re.M)
    assert rows == sorted(rows) and set(rows) <= types().keys()
    assert types().keys() <= set(CONFIG_MAPPING.keys())


def test_a_new_row_takes_the_place_of_the_old_one() -> None:
    page = "# Title\n\n| model_type | task | result | note |\n|---|---|---|---|\n| `b` | x | refused | why |\n\nEnd.\n"
    rows = {one.kind: one.row for one in (Tried("b", "y", {"RB402": ["Einsum", "Log"]}), Tried("a", "", error="no"))}
    assert with_rows(page, rows) == (
        "# Title\n\n| model_type | task | result | note |\n|---|---|---|---|\n| `a` |  | refused | no |\n"
        "| `b` | y | builds, with a note | [RB402](rules.md#rb402) Einsum Log |\n\nEnd.\n"
    )
