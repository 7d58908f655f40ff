"""Each rule has a code of its own, words, a source, a place in the code that says it, and a test that tries it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from support.documented import ROOT

from recipebuild.errors import RecipeError
from recipebuild.facts.rules import KINDS, Rule, nearest, rules
from recipebuild.verbs.help_ import refuse, rule_text
from recipebuild.verbs.help_ import rules as listing

ROWS = ROOT / "recipebuild" / "facts" / "rules"


def codes_in(folder: Path, *leave_out: Path) -> set[str]:
    """All codes that the files below a folder name."""
    files = [*folder.rglob("*.py"), *folder.rglob("*.yaml")]
    kept = [file for file in files if not any(file.is_relative_to(one) for one in leave_out)]
    return {code for file in kept for code in re.findall(r"\bRB\d{3}\b", file.read_text(encoding="utf-8"))}


def test_each_code_is_there_once_and_of_a_known_kind() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in ROWS.glob("*.yaml"))
    written = Counter(re.findall(r"^(\w+):", text, re.M))
    assert set(written) == set(rules()) and set(written.values()) == {1}
    assert {code[:3] for code in rules()} == set(KINDS)


def test_what_the_code_says_has_a_row_and_each_row_is_said() -> None:
    examples = {ROOT / "recipebuild" / name for name in ("recipe/check.py", "verbs/help_.py", "cli/help_.py")}
    assert codes_in(ROOT / "recipebuild", ROWS, *examples) == set(rules())


def test_no_note_on_a_recipe_is_without_a_code() -> None:
    files = [ROOT / "recipebuild" / name for name in ("session.py", "verbs/capacity.py", "verbs/check.py")]
    for file in (*files, *(ROOT / "recipebuild" / "recipe").glob("*.py")):
        assert not re.findall(r'"(?:warning|note): (?!RB|\{).*', file.read_text(encoding="utf-8")), file


def test_each_rule_is_tried() -> None:
    assert set(rules()) - codes_in(ROOT / "tests", Path(__file__)) == set()


@pytest.mark.parametrize("rule", rules().values(), ids=list(rules()))
def test_what_speaks_of_pulsar2_or_the_board_has_a_source(rule: Rule) -> None:
    assert all((rule.what, rule.why, rule.example, rule.remedy))
    words = " ".join((rule.what, rule.why, rule.example, rule.remedy))
    assert rule.source or not re.search(r"Pulsar2|NPU|board|on the chip", words)


def test_help_tells_what_why_an_example_and_the_remedy() -> None:
    text = rule_text("rb101")
    assert text.startswith("RB101: src_format and tensor_format differ in red and blue")
    assert all(f"\n  {part} " in text for part in ("why", "example", "remedy", "source"))
    assert 'check: {ignore: {RB101: "' in text
    assert rule_text("RB999") == rule_text("input.shape") == ""


def test_help_lists_all_rules() -> None:
    assert set(re.findall(r"^  (RB\d{3})  ", listing(), re.M)) == set(rules())


def test_help_names_the_nearest_code() -> None:
    assert nearest("RB1O1") == "RB101"
    with pytest.raises(RecipeError) as error:
        refuse("RB4O2")
    assert "did you mean RB402?" in error.value.remedy
