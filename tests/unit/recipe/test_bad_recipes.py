"""Wrong values: each is reported once, at the very place where it was written, in words that say what to do."""

from __future__ import annotations

import pytest

# (what is replaced in the good recipe, or "" to append; what with, « marking the place; field; words of the report)
SHAPE, MEAN, STD = "[1, 3, 64, 128]", "[123.675, 116.28, 103.53]", "[58.395, 57.12, 57.375]"
CASES = {
    # input
    "std of zero": (STD, "[«0, 57.12, 57.375]", "input.std", ["greater than 0, got 0", "0..255 units"]),
    "negative std": (STD, "[58.395, «-57.12, 57.375]", "input.std", ["greater than 0, got -57.12"]),
    "infinite std": (STD, "[58.395, 57.12, «.inf]", "input.std", ["finite number, got .inf"]),
    "mean that is no number": (MEAN, "[«.nan, 116.28, 103.53]", "input.mean", ["finite number, got .nan"]),
    "two means": (MEAN, "«[123.675, 116.28]", "input.mean", ["must have 3 values", "got [123.675, 116.28]"]),
    "four stds": (STD, "«[1, 2, 3, 4]", "input.std", ["must have 3 values"]),
    "mean as one number": (MEAN, "«123.675", "input.mean", ["must be a list, got 123.675", "3 numbers"]),
    "mean as text": (MEAN, "[«'123.675', 116.28, 103.53]", "input.mean", ["number, got '123.675'", "without quotes"]),
    "mean of words": (MEAN, "[«red, 116.28, 103.53]", "input.mean", ["must be a number, got red"]),
    "mean as true": (MEAN, "[«true, 116.28, 103.53]", "input.mean", ["must be a number, got true"]),
    "negative size": (SHAPE, "[1, 3, «-1, 5]", "input.shape", ["each value must be 1 or more, got -1"]),
    "size of zero": (SHAPE, "[1, 3, 64, «0]", "input.shape", ["1 or more, got 0"]),
    "size past reason": (SHAPE, "[1, 3, 64, «128000]", "input.shape", ["16384 or less, got 128000"]),
    "fractional size": (SHAPE, "[1, 3, «64.0, 128]", "input.shape", ["must be a whole number, got 64.0"]),
    "two sizes": (SHAPE, "«[1, 3]", "input.shape", ["must have 4 values, got [1, 3]", "batch, channels"]),
    "two channels": (SHAPE, "[1, «2, 64, 128]", "input.shape", ["the channels, must be 1, 3 or 4, got 2"]),
    "channels last": (SHAPE, "[1, «64, 128, 3]", "input.shape", ["N, H, W, C", "write [1, 3, 64, 128]"]),
    "shape as text": (SHAPE, "«1x3x64x128", "input.shape", ["must be a list, got 1x3x64x128"]),
    "shape as mapping": (SHAPE, "«{n: 1}", "input.shape", ["must be a list, got {n: 1}"]),
    "unknown colour": ("mean", "color: «PURPLE\n  mean", "input.color", ["must be RGB, BGR, GRAY or RGBA, got PURPLE"]),
    "colour in lower case": ("mean", "color: «rgb\n  mean", "input.color", ["did you mean `RGB`"]),
    "colour off": ("mean", "color: «off\n  mean", "input.color", ["must be RGB, BGR, GRAY or RGBA, got off"]),
    "input name for a file": ("mean", "name: «a/b\n  mean", "input.name", ["letters, digits", "board", "got a/b"]),
    "no shape": (f"  shape: {SHAPE}\n", "", "input.shape", ["is missing", "such as [1, 3, 640, 1280]"]),
    "British spelling": ("mean", "«colour: RGB\n  mean", "input.colour", ["unknown field", "did you mean `color`"]),
    "null shape": (SHAPE, "«null", "input.shape", ["must be a list, got null"]),
    "empty shape": (f" {SHAPE}", "«", "input.shape", ["must be a list, got nothing"]),
    # model
    "no model": ("model:\n  source: ./net\n", "", "model", ["is missing"]),
    "model as text": ("\n  source: ./net", " «./net", "model", ["must be a mapping of fields, got ./net"]),
    "source as number": ("./net", "«42", "model.source", ["must be text, got 42", "quotes"]),
    "empty source": ("./net", "«''", "model.source", ["must not be empty"]),
    "no hub id": ("./net", "«a/b/c", "model.source", ["a/b/c is neither a hub id", "./like/this"]),
    "bare weights": ("./net", "«b0.pt", "model.source", ["bare weight file", "config.json", "to ONNX"]),
    "an operator that is none": ("", "quantization: {layers: [{op: «Sofmax, dtype: U16}]}", "quantization.layers.op",
                                 ["there is no operator Sofmax", "did you mean Softmax?"]),
    "an axis twice": ("", "target: {runtime_outputs: [{name: y, permute: «[0, 2, 2, 1]}]}",
                      "target.runtime_outputs.permute", ["each axis once", "[0, 2, 3, 1]"]),
    "NV12 of an odd height": ("", "target: {runtime_input: {format: «YUV420SP, extra_shapes: [[1, 3, 63, 128]]}}",
                              "target.runtime_input.format", ["an even width", "the height 63 is odd"]),
    "YUYV of an odd width": ("", "target: {runtime_input: {format: «YUYV422, extra_shapes: [[1, 3, 63, 127]]}}",
                             "target.runtime_input.format", ["needs an even width, and the width 127 is odd"]),
    "numeric revision": ("./net", "./net\n  revision: «1234567", "model.revision", ["must be text", "quotes"]),
    "odd revision": ("./net", "./net\n  revision: «'a b'", "model.revision", ["not a commit, branch or tag"]),
    "unknown weights": ("./net", "./net\n  weights: «rondom", "model.weights", ["did you mean `random`"]),
    "unknown task": ("./net", "./net\n  task: «depth", "model.task", ["must be semantic-segmentation, ", "got depth"]),
    "negative seed": ("./net", "./net\n  seed: «-1", "model.seed", ["0 or more, got -1"]),
    "huge seed": ("./net", "./net\n  seed: «4294967296", "model.seed", ["4294967295 or less, got 4294967296"]),
    "pickle perhaps": ("./net", "./net\n  allow_pickle: «'yes'", "model.allow_pickle", ["true or false, got 'yes'"]),
    # export, head
    "old opset": ("", "export: {opset: «3}", "export.opset", ["11 or more, got 3"]),
    "opset of the future": ("", "export: {opset: «30}", "export.opset", ["23 or less, got 30"]),
    "opset in quotes": ("", 'export: {opset: «"17"}', "export.opset", ['got "17"', "without quotes"]),
    "enlarging rows of classes": (
        "", "head: {kind: argmax, axis: 2, before_resize: «true}", "head.before_resize", ["axis 1, got 2", "head.axis"],
    ),
    "opset for dynamo": ("", "export: {opset: «11}", "export.opset", ["needs opset 17", "exporter: torchscript"]),
    "unknown exporter": ("", "export: {exporter: «onnx}", "export.exporter", ["dynamo or torchscript, got onnx"]),
    "axis as text": ("", "head: {kind: argmax, axis: «x}", "head.axis", ["must be a whole number, got x"]),
    "axis out of range": ("", "head: {axis: «7}", "head.axis", ["3 or less, got 7"]),
    "axis of no head": ("", "head: {kind: none, «axis: 1}", "head.axis", ["no meaning for this `kind`"]),
    "unknown head": ("", "head: {kind: «softmax}", "head.kind", ["must be argmax, threshold or none, got softmax"]),
    "null head": ("", "head: {kind: «null}", "head.kind", ["must be argmax, threshold or", "kind: none (the word)"]),
    "head as text": ("", "head: «argmax", "head", ["must be a mapping of fields, got argmax", "{kind: argmax}"]),
    "head as null": ("", "head: «~", "head", ["must be a mapping of fields, got ~", "{kind: none}"]),
    "output for a file": ("", "head: {output: «/argmax}", "head.output", ["letters, digits", "got /argmax"]),
    "same name twice": ("", "head: {output: «logits}", "head.output", ["`logits` is already export.output"]),
    "output like input": ("", "export: {output: «pixel_values}", "export.output", ["already input.name"]),
    # calibration, quantization
    "no images": ("./images", "./images\n  count: «0", "calibration.count", ["1 or more, got 0"]),
    "all images": ("./images", "./images\n  count: «-1", "calibration.count", ["got -1", "how many images"]),
    "half an image": ("./images", "./images\n  count: «1.5", "calibration.count", ["whole number, got 1.5"]),
    "count as list": ("./images", "./images\n  count: «[1]", "calibration.count", ["whole number, got [1]"]),
    "typo in a section": ("calibration:", "«calibraton:", "calibraton", ["did you mean `calibration`"]),
    "field of a section": ("", "«count: 3", "count", ["did you mean `calibration.count` or `evaluate.count`"]),
    "field elsewhere": ("./net", "./net\n  «shape: [1, 3, 4, 4]", "model.shape", ["did you mean `input.shape`"]),
    "nothing like it": ("", "«zzz: 1", "zzz", ["unknown field", "the fields of a recipe are: name, model"]),
    "number as key": ("", "«1: 2", "1", ["unknown field"]),
    "unknown method": ("", "quantization: {method: «minmax}", "quantization.method", ["did you mean `MinMax`"]),
    "a method for each tensor": ("", "quantization: {method: «auto}", "quantization.method",
                                 ["Pulsar2 has one for all of them", "toolchain: onnxruntime"]),
    # target
    "unknown mode": ("", "target: {npu_mode: «NPU9}", "target.npu_mode", ["NPU1, NPU2, NPU3, NPU4", "got NPU9"]),
    "mode of other chip": ("", "target: {npu_mode: «NPU4}", "target.npu_mode", ["AX650 has no NPU4", "or NPU3"]),
    "mode of a larger chip": ("", "target: {hardware: M57, npu_mode: «NPU2}", "target.npu_mode", ["M57 has no NPU2"]),
    "unknown chip": ("", "target: {hardware: «RK3588}", "target.hardware", ["AX650, AX620E", "got RK3588"]),
    "corrected, then smoothed": (
        "", "equalize: {bias_correction: «true}\nquantization: {smooth_quant: {}}", "equalize.bias_correction",
        ["for the weights of model.onnx, and quantization.smooth_quant changes them"],
    ),
    "corrected, then trained": (
        "",
        "equalize: {bias_correction: «true}\nquantization: {device: 'cuda:0', finetune: {algorithm: adaround}}",
        "equalize.bias_correction", ["quantization.finetune changes them"],
    ),
    "corrected, and quantized already": (
        "", "equalize: {bias_correction: «true}\npulsar2: {model_type: QuantONNX}", "equalize.bias_correction",
        ["the model is quantized already"],
    ),
    "quantized twice": ("", "target: {toolchain: «onnxruntime}\npulsar2: {model_type: QuantONNX}", "target.toolchain",
                        ["quantizes float models", "model_type is QuantONNX"]),
    "unknown toolchain": ("", "target: {toolchain: «tensorrt}", "target.toolchain", ["auto, pulsar2 or onnxruntime"]),
    # evaluate, name
    "no dataset": ("", "«evaluate: {count: 3}", "evaluate.dataset", ["is missing", "images/ and labels/"]),
    "drop in per cent": ("", "evaluate: {dataset: labelled, max_drop: «2}", "evaluate.max_drop", ["0.02 is 2 mIoU"]),
    "regression in per cent": ("", "accept: {max_regression: «1.5}", "accept.max_regression", ["0.015 is 1.5 mIoU"]),
    "threshold of a certain class": ("", "head: {kind: threshold, threshold: «1}", "head.threshold", ["less than 1"]),
    "negative drop": ("", "evaluate: {dataset: labelled, max_drop: «-0.1}", "evaluate.max_drop", ["0 or more"]),
    "name with a slash": ("", "name: «../up", "name", ["letters, digits", "got ../up"]),
    "name as list": ("", "name: «[a]", "name", ["must be text, got [a]"]),
    "matrix as list": ("", "matrix: «[1]", "matrix", ["must be a mapping of fields to lists"]),
}  # fmt: skip

POINTS_AT_PARENT = {"no shape": (3, 1), "no model": (1, 1)}


@pytest.mark.parametrize("case", CASES)
def test_wrong_value_is_reported_where_it_was_written(desk, good, marked, case):
    old, new, field, words = CASES[case]
    assert old in good
    changed = good.replace(old, new, 1) if old else good + new
    text, line, column = (changed, *POINTS_AT_PARENT[case]) if case in POINTS_AT_PARENT else marked(changed)
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == (field, line, column), str(problem)
    report = str(problem)
    assert report.startswith(f"r.yaml:{line}:{column}: {field}: ")
    assert problem.place.source == text.splitlines()[line - 1]
    for word in words:
        assert word in report, report
    for jargon in ("Input should", "type=", "union", "tuple", "Literal", "pydantic", "str ", "None"):
        assert jargon not in report, report


def test_the_report_shows_the_line_and_a_caret_under_the_value(desk, good):
    report = str(desk.problem(good.replace("[58.395,", "[0,")))
    assert report.splitlines()[:3] == [
        "r.yaml:6:9: input.std: each value must be greater than 0, got 0",
        "     6 |   std: [0, 57.12, 57.375]",
        "       |         ^",
    ]


def test_all_problems_come_at_once_in_the_order_of_lines(desk, good):
    text = good.replace("./net", "./nowhere").replace("[58.395,", "[0,").replace("64,", "-64,") + "opset: 3\nzzz: 1\n"
    fields = ["model.source", "input.shape", "input.std", "opset", "zzz"]
    assert [p.field for p in desk.problems(text)] == fields


def test_the_message_of_the_error_is_the_whole_report(desk, good):
    from recipebuild.recipe.load import load
    from recipebuild.recipe.problems import RecipeProblems

    desk.write("r.yaml", good + "zzz: 1\nyyy: 2\n")
    with pytest.raises(RecipeProblems) as caught:
        load("r.yaml", cwd=desk.folder)
    assert str(caught.value) == "\n".join(str(p) for p in caught.value.problems)
    assert caught.value.problems[0].to_json() == {
        "origin": "r.yaml",
        "line": 9,
        "column": 1,
        "source": "zzz: 1",
        "field": "zzz",
        "message": "unknown field",
        "remedy": caught.value.problems[0].remedy,
    }


def test_a_typing_error_in_a_required_section_is_one_problem_not_two(desk, good):
    assert desk.problem(good.replace("calibration:", "calibraton:")).field == "calibraton"


def test_all_that_is_missing_is_named(desk):
    assert [p.field for p in desk.problems("name: x\n")] == ["model", "input", "calibration"]


def test_of_a_list_of_a_wrong_length_the_values_are_not_judged(desk, good):
    problem = desk.problem(good.replace("[1, 3, 64, 128]", "[1, 640, 3]"))
    assert problem.message == "must have 4 values, got [1, 640, 3]"


def test_what_is_missing_is_to_be_written_in_the_recipe_not_in_its_base(desk, good):
    desk.write("base.yaml", "input:\n  mean: [1, 2, 3]\n  std: [1, 1, 1]\n")
    text = good.replace("input:", "inptu:").replace("model:", "extends: base.yaml\nmodel:", 1)
    assert desk.problem(text).field == "inptu", "what follows from a typing error is not told"
    text = good.replace("  shape: [1, 3, 64, 128]\n", "").replace("model:", "extends: base.yaml\nmodel:", 1)
    problem = desk.problem(text)
    assert (problem.field, problem.place.origin, problem.place.line) == ("input.shape", "r.yaml", 4)


def test_a_pickle_must_be_allowed(desk, good):
    desk.write("net.pth", "")
    problem = desk.problem(good.replace("./net", "./net.pth"))
    assert problem.field == "model.allow_pickle" and "weights_only" in problem.remedy
    desk.one(good.replace("./net", "./net.pth\n  allow_pickle: true"))


def test_two_tensors_of_one_name_are_told_in_the_recipe_not_in_its_base(desk, good):
    desk.write("base.yaml", "head: {output: classes}\n")
    problem = desk.problem(good.replace("model:", "extends: base.yaml\nexport: {output: classes}\nmodel:", 1))
    assert (problem.field, problem.place.line) == ("export.output", 2)
    assert problem.message == "`classes` is already head.output"


def test_empty_sections(desk):
    problems = desk.problems("model: null\ninput:\n")
    assert [(p.field, p.place.line) for p in problems] == [("calibration", 1), ("model", 1), ("input", 2)]
    assert "must be a mapping of fields, got null" in str(problems[1])
    assert "must be a mapping of fields, got nothing" in str(problems[2])


def test_control_characters_of_a_recipe_do_not_reach_the_terminal(desk, good):
    report = str(desk.problem(good + 'target: {npu_mode: "\\x1b[31mNPU9\\e"}\n'))
    assert "\x1b" not in report
    report = str(desk.problem(good, "target.npu_mode=NPU9\x1b"))
    assert "\x1b" not in report


def test_a_very_long_line_is_cut_around_the_value(desk, good):
    report = str(desk.problem(good + "target: {toolchain: auto, " + " " * 5000 + "npu_mode: NPU9}\n"))
    lines = report.splitlines()
    assert len(lines[1]) < 120
    assert lines[1][lines[2].index("^") :].startswith("NPU9")


def test_accented_text_before_a_value_does_not_move_its_column(desk, good, marked):
    text, line, column = marked(good + 'target: {toolchain: auto, "npu_mode": "«é"} # naïve\n'.replace('"«', '«"'))
    problem = desk.problem("# Größe, 日本\n" + text)
    assert (problem.place.line, problem.place.column) == (line + 1, column)
    assert 'got "é"' in problem.message
