"""Which class a folder is of: by the model's names, by class ids, or by the order in which ImageFolder sorts them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from recipebuild.toolkit.evaluate.class_folders import Rule, class_order

TWELVE = sorted(str(i) for i in range(12))
BY_TEXT = {name: at for at, name in enumerate(TWELVE)}
BY_NUMBER = {name: int(name) for name in TWELVE}


@pytest.mark.parametrize(
    ("folders", "names", "ids", "rule"),
    [
        (["cat", "dog"], ["dog", "cat"], {"cat": 1, "dog": 0}, "names"),
        (["Golden_Retriever", "tench"], ["tench, Tinca tinca", "x", "golden retriever"], [2, 0], "names"),
        (TWELVE, TWELVE, BY_TEXT, "names"),  # trained with ImageFolder: id2label has the folders' names, 10 before 2
        (TWELVE, [f"digit {i}" for i in range(12)], BY_NUMBER, "ids"),
        (["0", "217"], [""] * 1000, {"0": 0, "217": 217}, "ids"),
        (["00", "01", "02"], [], {"00": 0, "01": 1, "02": 2}, "ids"),
        (["1", "10", "2"], [""] * 3, {"1": 0, "10": 1, "2": 2}, "sorted"),  # there is no class 10
        (["n01440764", "n01443537"], ["tench, Tinca tinca", "goldfish"], [0, 1], "sorted"),
        (["a", "b"], [], [0, 1], "sorted"),
    ],
)
def test_the_names_tell(folders: list[str], names: list[str], ids: dict[str, int] | list[int], rule: Rule) -> None:
    order = class_order(folders, names)
    assert order.ids == (ids if isinstance(ids, dict) else dict(zip(folders, ids, strict=True)))
    assert (order.rule, order.doubt) == (rule, "")


@pytest.mark.parametrize(("rule", "ids"), [("ids", BY_NUMBER), ("sorted", BY_TEXT)])
def test_what_the_recipe_says_goes_first(rule: Rule, ids: dict[str, int]) -> None:
    order = class_order(TWELVE, [], rule)
    assert (order.ids, order.doubt) == (ids, "")


@pytest.mark.parametrize(
    ("folders", "names", "rule", "doubt"),
    [
        (TWELVE, [], None, "2 comes before 10"),
        (["cat", "dog"], ["Hund", "Katze"], None, "no class of the model is called cat, dog"),
        (["cat", "dog"], ["cat", "bird"], "names", "dog: no class of the model is called so"),
        (["0", "b"], [], "ids", "b: no class id"),
        (["crane", "tench"], ["crane", "tench", "crane"], None, "no class of the model is called crane"),
    ],
)
def test_where_it_is_not_clear_that_is_said(
    folders: list[str], names: Sequence[str], rule: Rule | None, doubt: str
) -> None:
    assert doubt in class_order(folders, names, rule).doubt
