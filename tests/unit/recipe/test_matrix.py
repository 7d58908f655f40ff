"""``matrix``: one recipe, several builds."""

from __future__ import annotations

import pytest


def test_one_build_for_each_combination_in_the_order_written(desk, good):
    text = good + "matrix:\n  target.npu_mode: [NPU1, NPU3]\n  quantization.method: [MinMax, MSE]\n"
    variants = desk.load(text)
    assert [v.label for v in variants] == [
        "npu_mode=NPU1,method=MinMax",
        "npu_mode=NPU1,method=MSE",
        "npu_mode=NPU3,method=MinMax",
        "npu_mode=NPU3,method=MSE",
    ]
    assert [(v.recipe.target.npu_mode, v.recipe.quantization.method) for v in variants] == [
        ("NPU1", "MinMax"),
        ("NPU1", "MSE"),
        ("NPU3", "MinMax"),
        ("NPU3", "MSE"),
    ]
    assert {v.recipe.name for v in variants} == {"r"}


def test_without_a_matrix_there_is_one_build_without_label(desk, good):
    assert [v.label for v in desk.load(good)] == [""]
    assert [v.label for v in desk.load(good + "matrix: {}\n")] == [""]
    assert [v.label for v in desk.load(good + "matrix: null\n")] == [""]


def test_fields_of_the_same_name_are_told_apart_by_their_full_path(desk, good):
    text = good + "matrix: {calibration.seed: [0, 1], model.seed: [0, 1], export.opset: [17, 18]}\n"
    assert desk.load(text)[0].label == "calibration.seed=0,model.seed=0,opset=17"


LABELS = {
    "input.shape: [[1, 3, 64, 128], [1, 3, 32, 64]]": ["shape=1x3x64x128", "shape=1x3x32x64"],
    "head: [{kind: argmax}, {kind: none}]": ["head=kind-argmax", "head=kind-none"],
    "head.keepdims: [true, false]": ["keepdims=true", "keepdims=false"],
    "evaluate: [null, {dataset: labelled}]": ["evaluate=null", "evaluate=dataset-labelled"],
    "model.source: [./net, ./net.onnx]": ["source=net", "source=net.onnx"],
    "calibration.source: [./images, ./net/../images]": ["source=images-1", "source=images-2"],
    "model.source: [nvidia/b0, nvidia/b1]": ["source=b0", "source=b1"],
}


@pytest.mark.parametrize("axis", LABELS)
def test_labels_can_be_part_of_a_file_name_and_differ(desk, good, axis):
    if "images-1" in str(LABELS[axis]):
        desk.write("other/images/a.jpg", b"")
        axis_text = axis.replace("./net/../images", "./other/images")
    else:
        axis_text = axis
    assert [v.label for v in desk.load(good + f"matrix:\n  {axis_text}\n")] == LABELS[axis]


def test_a_matrix_may_give_what_the_recipe_requires(desk, good):
    text = good.replace("  shape: [1, 3, 64, 128]\n", "") + "matrix: {input.shape: [[1, 3, 8, 8], [1, 3, 16, 16]]}\n"
    assert [v.recipe.input.shape[2] for v in desk.load(text)] == [8, 16]


def test_paths_in_a_matrix_are_relative_to_the_file_that_wrote_it(desk, good):
    desk.write("family/base.yaml", good.replace("./", "../") + "matrix: {calibration.source: [pictures]}\n")
    desk.write("family/pictures/a.jpg", b"")
    assert desk.one("extends: family/base.yaml\n").recipe.calibration.source == f"{desk.folder}/family/pictures"


BAD = {
    "unknown field": ("matrix: {«target.npu_mod: [NPU1]}", "matrix.target.npu_mod", ["did you mean `target.npu_mode`"]),
    "unknown section": ("matrix: {«tarjet.npu_mode: [NPU1]}", "matrix.tarjet.npu_mode", ["mean `target.npu_mode`"]),
    "the name": ("matrix: {«name: [a, b]}", "matrix.name", ["cannot be varied"]),
    "the matrix": ("matrix: {«matrix: [a, b]}", "matrix.matrix", ["cannot be varied"]),
    "one value": ("matrix: {target.npu_mode: «NPU1}", "matrix.target.npu_mode", ["list of one or more values"]),
    "no values": ("matrix: {target.npu_mode: «[]}", "matrix.target.npu_mode", ["list of one or more values"]),
    "a value twice": ("matrix: {target.npu_mode: [NPU1, «NPU1]}", "matrix.target.npu_mode", ["twice"]),
    "nested": ("matrix: {«target: {npu_mode: [NPU1]}}", "matrix.target", ["list of one or more values"]),
    "a wrong value": ("matrix: {target.npu_mode: [NPU1, «NPU9]}", "target.npu_mode", ["got NPU9"]),
    "a wrong item": ("matrix: {input.std: [[1, 2, 3], [«0, 2, 3]]}", "input.std", ["greater than 0, got 0"]),
    "a wrong part": ("matrix: {head: [{kind: none}, {axis: «x}]}", "head.axis", ["whole number, got x"]),
    "no such folder": ("matrix: {calibration.source: [«./gone, ./images]}", "calibration.source", ["no such file"]),
    "too many": (
        "matrix: «{model.seed: [%s], calibration.seed: [%s]}" % ((",".join(map(str, range(20))),) * 2),
        "matrix",
        ["400 builds, more than 256"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_matrix(desk, good, marked, case):
    text, field, words = BAD[case]
    text, line, column = marked(good + text + "\n")
    if case == "nested":  # the mapping is the value; the mark stands at its key
        column += len("target: ")
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == (field, line, column), str(problem)
    for word in words:
        assert word in str(problem)


def test_an_error_that_all_builds_share_is_reported_once(desk, good):
    text = good.replace("[58.395,", "[0,") + "matrix: {target.npu_mode: [NPU1, NPU2, NPU3]}\n"
    assert desk.problem(text).field == "input.std"


def test_each_wrong_value_of_the_matrix_is_reported(desk, good):
    problems = desk.problems(good + "matrix: {target.npu_mode: [NPU7, NPU8, NPU3]}\nzzz: 1\n")
    assert [p.field for p in problems] == ["target.npu_mode", "target.npu_mode", "zzz"]


def test_set_wins_over_the_matrix(desk, good):
    text = good + "matrix: {target.npu_mode: [NPU1, NPU3], quantization.method: [MinMax, KL]}\n"
    for option in ("target.npu_mode=NPU2", "target={npu_mode: NPU2}"):
        variants = desk.load(text, option)
        assert [v.label for v in variants] == ["method=MinMax", "method=KL"]
        assert {v.recipe.target.npu_mode for v in variants} == {"NPU2"}


def test_set_can_change_the_matrix(desk, good):
    text = good + "matrix: {target.npu_mode: [NPU1, NPU3]}\n"
    assert [v.label for v in desk.load(text, "matrix=null")] == [""]
    assert [v.label for v in desk.load(text, "matrix.target.npu_mode=[NPU2]")] == ["npu_mode=NPU2"]
    assert len(desk.load(text, "matrix.quantization.method=[MSE, KL]")) == 4
