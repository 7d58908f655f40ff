"""``extends``: deep merge, lists replaced, paths and errors belong to the file that wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recipebuild.recipe.load import load

CHILD = "extends: base.yaml\n"


def test_mappings_merge_lists_and_scalars_are_replaced(desk, good):
    desk.write("base.yaml", good + "export: {opset: 18, output: raw}\n")
    recipe = desk.one(CHILD + "input: {std: [1, 2, 3]}\nexport: {opset: 19}\n").recipe
    assert recipe.input.std == (1, 2, 3)
    assert recipe.input.mean == (123.675, 116.28, 103.53)
    assert (recipe.export.opset, recipe.export.output) == (19, "raw")


def test_of_several_bases_the_later_wins_and_the_recipe_over_both(desk, good):
    desk.write("base.yaml", good + "export: {opset: 18, output: one}\ntarget: {npu_mode: NPU1}\n")
    desk.write("more.yaml", "export: {opset: 19, output: two}\ntarget: {npu_mode: NPU2}\n")
    recipe = desk.one("extends: [base.yaml, more.yaml]\ntarget: {npu_mode: NPU3}\n").recipe
    assert (recipe.export.opset, recipe.export.output, recipe.target.npu_mode) == (19, "two", "NPU3")


def test_bases_have_bases(desk, good):
    desk.write("a.yaml", good)
    desk.write("base.yaml", "extends: a.yaml\nexport: {opset: 18}\n")
    assert desk.one(CHILD).recipe.export.opset == 18


def test_a_base_without_suffix_and_a_shipped_one(desk):
    text = "extends: base/segformer\nmodel: {source: ./net}\ninput: {shape: [1, 3, 64, 64]}\n"
    recipe = desk.one(text + "calibration: {source: ./images}\n").recipe
    assert recipe.input.mean == (123.675, 116.28, 103.53)
    assert recipe.head.kind == "argmax"


def test_a_file_beside_the_recipe_wins_over_a_shipped_one(desk, good):
    desk.write("base/segformer.yaml", good.replace("123.675", "1.5").replace("./", "../"))
    assert desk.one("extends: base/segformer.yaml\n").recipe.input.mean[0] == 1.5


def test_the_name_is_not_inherited(desk, good):
    desk.write("base.yaml", "name: base-name\n" + good)
    assert desk.one(CHILD).recipe.name == "r"


def test_another_kind_of_head_replaces_the_head_of_the_base(desk, good):
    desk.write("base.yaml", good + "head: {kind: argmax, axis: 1, output: ids}\n")
    assert desk.one(CHILD + "head: {kind: none}\n").recipe.head.kind == "none"
    desk.write("more.yaml", CHILD + "head: {kind: none}\n")
    again = desk.one("extends: more.yaml\nhead: {kind: argmax}\n").recipe.head
    assert (again.kind, again.output) == ("argmax", "argmax_output")


def test_the_same_kind_of_head_merges_even_where_it_is_not_said(desk, good):
    desk.write("base.yaml", good + "head: {output: ids}\n")
    assert desk.one(CHILD + "head: {kind: argmax, keep_logits: true}\n").recipe.head.output == "ids"


def test_paths_are_relative_to_the_file_that_wrote_them(desk, good):
    desk.write("family/base.yaml", good)
    desk.write("family/net/config.json", '{"model_type": "segformer"}')
    desk.write("family/images/a.jpg", b"")
    recipe = desk.one("extends: family/base.yaml\ncalibration: {source: ./images}\n").recipe
    assert recipe.model.source == f"{desk.folder}/family/net"
    assert recipe.calibration.source == f"{desk.folder}/images"


def test_null_takes_back_an_optional_section(desk, good):
    desk.write("base.yaml", good + "evaluate: {dataset: labelled}\n")
    assert desk.one(CHILD).recipe.evaluate is not None
    assert desk.one(CHILD + "evaluate: null\n").recipe.evaluate is None


def test_an_error_in_a_base_points_into_the_base(desk, good):
    desk.write("base.yaml", "\n" + good.replace("[58.395,", "[0,"))
    problem = desk.problem(CHILD + "export: {opset: 18}\n")
    assert (problem.place.origin, problem.place.line, problem.place.column) == ("base.yaml", 7, 9)


def test_an_error_in_what_the_child_replaced_is_none(desk, good):
    desk.write("base.yaml", good.replace("[58.395,", "[0,"))
    assert desk.one(CHILD + "input: {std: [1, 1, 1]}\n").recipe.input.std == (1, 1, 1)


def test_errors_of_base_and_child_come_together(desk, good):
    desk.write("base.yaml", good.replace("[58.395,", "[0,") + "zzz: 1\n")
    problems = desk.problems(CHILD + "yyy: 1\n")
    assert [(p.place.origin, p.field) for p in problems] == [
        ("base.yaml", "input.std"),
        ("base.yaml", "zzz"),
        ("r.yaml", "yyy"),
    ]


BAD = {
    "itself": ("extends: «r.yaml\n", ["the recipe extends itself: r.yaml -> r.yaml"]),
    "itself by another name": ("extends: «./r\n", ["extends itself"]),
    "no such file": ("extends: «nowhere.yaml\n", ["no recipe nowhere.yaml", "recipebuild models"]),
    "a typing error": ("extends: «base/segfromer.yaml\n", ["did you mean base/segformer?"]),
    "one of two": ("extends: [base/segformer.yaml, «gone.yaml]\n", ["no recipe gone.yaml"]),
    "a number": ("extends: «3\n", ["must be a file name, or a list of file names"]),
    "a mapping": ("extends: «{a: b}\n", ["must be a file name, or a list of file names"]),
    "a folder": ("extends: «images\n", ["no recipe images"]),
    "nothing": ("extends: «''\n", ["no recipe"]),
    "a NUL byte": ('extends: «"a\\0b"\n', ["a text with a NUL character"]),
    "a name too long for a file": (f"extends: «{'x' * 5000}\n", ["no recipe"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_extends(desk, marked, case):
    text, line, column = marked(BAD[case][0])
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == ("extends", line, column)
    for word in BAD[case][1]:
        assert word in str(problem)


def test_a_circle_through_other_files_names_them_all(desk):
    desk.write("a.yaml", "extends: b.yaml\n")
    desk.write("b.yaml", "name: b\nextends: [r.yaml]\n")
    problem = desk.problem("extends: a.yaml\n")
    assert (problem.place.origin, problem.place.line, problem.place.column) == ("b.yaml", 2, 11)
    assert "r.yaml -> a.yaml -> b.yaml -> r.yaml" in problem.message


def test_a_base_that_is_no_yaml_is_named_and_nothing_follows_from_it(desk):
    desk.write("base.yaml", "model:\n\tsource: x\n")
    problem = desk.problem(CHILD)
    assert (problem.place.origin, problem.place.line) == ("base.yaml", 2)


def test_two_broken_bases_are_both_reported(desk):
    desk.write("a.yaml", "- 1\n")
    desk.write("b.yaml", "")
    assert [p.place.origin for p in desk.problems("extends: [a.yaml, b.yaml, c.yaml]\n")] == [
        "a.yaml",
        "b.yaml",
        "r.yaml",
    ]


def test_bases_that_multiply_are_refused(desk):
    for i in range(12):
        desk.write(f"b{i}.yaml", f"extends: [b{i + 1}.yaml, b{i + 1}.yaml]\n")
    desk.write("b12.yaml", "name: x\n")
    assert "more than 64 files" in str(desk.problems("extends: b0.yaml\n")[0])


def test_an_endless_chain_is_refused(desk):
    for i in range(2000):
        desk.write(f"b{i}.yaml", f"extends: b{i + 1}.yaml\n")
    assert "more than 64 files" in str(desk.problem("extends: b0.yaml\n"))


def test_shared_bases_are_read_once(desk, good):
    base = desk.write("base.yaml", good)
    bases: dict[Path, Any] = {}
    for i in range(3):
        desk.write(f"r{i}.yaml", CHILD)
    load("r0.yaml", cwd=desk.folder, bases=bases)
    base.unlink()
    base.write_text("not read again: x\n")
    assert load("r1.yaml", cwd=desk.folder, bases=bases)[0].recipe.input.shape == (1, 3, 64, 128)
    assert list(bases) == [base]


def test_a_link_to_a_recipe_stands_for_the_recipe(desk, good):
    desk.write("far/away/base.yaml", good.replace("./", "../../"))
    real = desk.write("far/away/real.yaml", CHILD)
    (desk.folder / "link.yaml").symlink_to(real)
    recipe = load("link.yaml", cwd=desk.folder)[0].recipe
    assert (recipe.name, recipe.model.source) == ("link", f"{desk.folder}/net")
