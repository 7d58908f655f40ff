"""``check.ignore``: codes with reasons."""

from __future__ import annotations

import pytest

from recipebuild.recipe.problems import RecipeProblems


def test_a_reason_silences_a_code(desk, good):
    recipe = desk.one(good + "check: {ignore: {RB101: fed RGB by our own program}}\n").recipe
    assert recipe.check.ignore == {"RB101": "fed RGB by our own program"}


@pytest.mark.parametrize(
    ("written", "field", "says", "remedy"),
    [
        ("[RB101]", "check.ignore", "is a list of codes without reasons", "write the reason beside the code"),
        ("{RB101: }", "check.ignore.RB101", "has no reason", "write the reason beside the code"),
        ("{RB101: '  '}", "check.ignore.RB101", "has no reason", "write the reason beside the code"),
        ("{RB1O1: why}", "check.ignore.RB1O1", "there is no rule RB1O1", "did you mean RB101?"),
        ("{no-conversion: why}", "check.ignore.no-conversion", "there is no rule", "recipebuild help rules"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(desk, good, written, field, says, remedy):
    with pytest.raises(RecipeProblems) as error:
        desk.one(good + f"check:\n  ignore: {written}\n")
    (problem,) = error.value.problems
    assert (problem.field, problem.place.line) == (field, good.count("\n") + 2)
    assert says in problem.message and remedy in problem.remedy
