"""``--set a.b=value``."""

from __future__ import annotations

import pytest

VALUES = {
    "calibration.count=7": lambda r: r.calibration.count == 7,
    "input.mean=[120.0,116.28,103.53]": lambda r: r.input.mean == (120.0, 116.28, 103.53),
    "input.std=[1, 2, 3]": lambda r: r.input.std == (1, 2, 3),
    "model.weights=random": lambda r: r.model.weights == "random",
    "model.source=nvidia/segformer-b0": lambda r: r.model.source == "nvidia/segformer-b0" and not r.model.is_local,
    "head.keep_logits=true": lambda r: r.head.keep_logits is True,
    "head={kind: none}": lambda r: r.head.kind == "none",
    "head.kind=none": lambda r: r.head.kind == "none",
    "evaluate.dataset=labelled": lambda r: r.evaluate.dataset.endswith("/labelled"),
    "evaluate=": lambda r: r.evaluate is None,
    "name=other": lambda r: r.name == "other",
    " export.opset = 18": lambda r: r.export.opset == 18,
    "calibration.source=./images/*.jpg": lambda r: r.calibration.pattern == "*.jpg",
    "model.revision=a=b": None,
}


@pytest.mark.parametrize("option", [option for option, test in VALUES.items() if test])
def test_a_value_is_yaml(desk, good, option):
    test = VALUES[option]
    assert test is not None
    assert test(desk.one(good, option).recipe)


def test_the_last_one_wins(desk, good):
    assert desk.one(good, "export.opset=18", "export={opset: 19}", "export.opset=20").recipe.export.opset == 20


def test_paths_are_relative_to_the_current_folder(desk, good):
    desk.write("far/r.yaml", good.replace("./", "../"))
    from recipebuild.recipe.load import load

    (variant,) = load("far/r.yaml", sets=["calibration.source=./images"], cwd=desk.folder)
    assert variant.recipe.calibration.source == f"{desk.folder}/images"


def test_it_repairs_what_a_file_says(desk, good):
    assert desk.one(good.replace("[58.395,", "[0,"), "input.std=[1, 1, 1]").recipe.input.std == (1, 1, 1)


# option, field, words
BAD = {
    "input.std=[0, 57.12, 57.375]": ("input.std", ["greater than 0, got 0"]),
    "input.shape=[1, 3, -1, 5]": ("input.shape", ["1 or more, got -1"]),
    "input.shape=[1, 3]": ("input.shape", ["must have 4 values, got [1, 3]"]),
    "target.npu_mode=NPU9": ("target.npu_mode", ["got NPU9"]),
    "input.color=PURPLE": ("input.color", ["must be RGB, BGR, GRAY or RGBA, got PURPLE"]),
    "calibration.count=0": ("calibration.count", ["1 or more, got 0"]),
    "calibration.count=": ("calibration.count", ["whole number, got nothing"]),
    "export.opset=3": ("export.opset", ["11 or more, got 3"]),
    "head.axis=x": ("head.axis", ["whole number, got x"]),
    "nope.nope=1": ("nope", ["unknown field", "the fields of a recipe are"]),
    "calibraton.count=1": ("calibraton", ["did you mean `calibration`"]),
    "calibration.cuont=1": ("calibration.cuont", ["did you mean `count`"]),
    "input.std.0=1": ("input.std", ["must be a list", "3 numbers"]),
    "target={hardware: AX620E, npu_mode: NPU3}": ("target.npu_mode", ["AX620E has no NPU3"]),
    "evaluate.count=3": ("evaluate.dataset", ["is missing"]),
    "calibration.source=./gone": ("calibration.source", ["no such file or folder", "/gone"]),
    "name=a/b": ("name", ["letters, digits"]),
    "matrix.target.npu_mode=NPU1": ("matrix.target.npu_mode", ["list of one or more"]),
    "foo": ("", ["not of the form field=value"]),
    "=1": ("", ["not of the form field=value"]),
    "a..b=1": ("", ["not of the form field=value"]),
    "input.[0]=1": ("", ["not of the form field=value"]),
    "extends=other.yaml": ("extends", ["only a file can say what it extends"]),
    "input.shape=[1, 3": ("input.shape", ["input.shape: not valid YAML"]),
    "calibration.source=*.jpg": ("calibration.source", ["calibration.source: not valid YAML", "put in quotes"]),
    "model={source: a, source: b}": ("model", ["model: source is given twice"]),
    "model=!!python/name:os.system": ("model", ["is not allowed"]),
}


@pytest.mark.parametrize("option", BAD)
def test_bad_option(desk, good, option):
    field, words = BAD[option]
    problem = desk.problem(good, option)
    assert (problem.field, problem.place.origin, problem.place.line) == (field, f"--set {option}", 0), str(problem)
    report = str(problem)
    assert report.startswith(f"--set {option}: ")
    for word in words:
        assert word in report


def test_problems_of_options_and_files_come_together(desk, good):
    problems = desk.problems(good + "zzz: 1\n", "nope=1", "head.axis=x", "foo")
    assert {p.field or p.place.origin for p in problems} == {"zzz", "nope", "head.axis", "--set foo"}


def test_problems_of_options_come_with_those_of_a_broken_file(desk):
    assert len(desk.problems("- a\n", "foo")) == 2
