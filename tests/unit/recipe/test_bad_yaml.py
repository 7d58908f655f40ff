"""Files that are no recipe at all: refused with a reason, never with a traceback, and nothing in them is run."""

from __future__ import annotations

import time

import pytest

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)

# text, place («line:column»), words
CASES = {
    "empty": ("", (1, 1), ["is empty", "model, input, calibration"]),
    "only a comment": ("# nothing\n", (1, 1), ["is empty"]),
    "list": ("- a\n- b\n", (1, 1), ["a list at the top"]),
    "scalar": ("42\n", (1, 1), ["single value"]),
    "text": ("hello\n", (1, 1), ["single value"]),
    "tab": ("model:\n\tsource: x\n", (2, 1), ["a tab in the indentation", "spaces"]),
    "tab after spaces": ("model:\n  \tsource: x\n  b: 1", (2, 3), ["a tab in the indentation"]),
    "binary": ("\x00\x01\x02", (1, 1), ["not a text file", "U+0000"]),
    "escape character": ("model: \x1b[31m\n", (1, 8), ["not a text file", "U+001B"]),
    "open bracket": ("input: {shape: [1, 3\nmodel: x\n", (2, 6), ["not valid YAML", "starts on line 1", "brackets"]),
    "open quote": ("model: 'x\n", (2, 1), ["not valid YAML", "quote is not closed"]),
    "colon in text": ("name: a: b\n", (1, 8), ["not valid YAML", "put in quotes"]),
    "bad indentation": ("input:\n  a: 1\n b: 2\n", (3, 2), ["not valid YAML", "indentation"]),
    "star": ("source: *.jpg\n", (1, 10), ["not valid YAML", "starts with * or & must be put in quotes"]),
    "unknown alias": ("source: *all\n", (1, 9), ["not valid YAML", "starts with * must be put in quotes"]),
    "at sign": ("name: @x\n", (1, 7), ["not valid YAML", "put in quotes"]),
    "two documents": ("name: a\n---\nname: b\n", (2, 1), ["another document", "one recipe per file"]),
    "python tag": (
        "model: !!python/object/apply:os.system ['touch pwned']\n",
        (1, 8),
        ["tag !!python/object/apply:os"],
    ),
    "python name": ("model: !!python/name:os.system\n", (1, 8), ["not allowed"]),
    "own tag": ("model: !secret x\n", (1, 8), ["the YAML tag !secret is not allowed"]),
    "binary tag": ("model: !!binary aGVsbG8=\n", (1, 8), ["tag !!binary is not allowed"]),
    "set": ("model: !!set {a, b}\n", (1, 8), ["tag !!set is not allowed"]),
    "mapping as key": ("{{ name }}: x\n", (1, 1), ["a key must be plain text"]),
    "list as key": ("? [a]\n: b\n", (1, 3), ["a key must be plain text"]),
    "anchor bomb": (BOMB + "model: *g\n", None, ["more than 20000 values", "aliases"]),
    "endless alias": ("model: &m [*m]\n", None, ["nested deeper than 50 levels"]),
    "endless merge": ("model: &m {<<: *m}\n", (1, 8), ["merges a mapping into itself"]),
    "merge of text": ("model: {<<: x}\n", (1, 13), ["`<<` takes a mapping"]),
    "nested deep": ("model: " + "[" * 100 + "]" * 100, None, ["nested deeper than 50 levels"]),
    "nested very deep": ("model: " + "[" * 400_000, None, ["nested deeper than 50 levels"]),
    "lists in lists": ("model: \n " + "- " * 3000 + "x\n", None, ["nested deeper than 50 levels"]),
}


@pytest.mark.parametrize("case", CASES)
def test_no_recipe(desk, case):
    text, place, words = CASES[case]
    started = time.perf_counter()
    problem = desk.problem(text)
    assert time.perf_counter() - started < 10
    if place:
        assert (problem.place.line, problem.place.column) == place, str(problem)
    for word in ["r.yaml", *words]:
        assert word in str(problem)
    assert not (desk.folder / "pwned").exists()


# fmt: off
BYTES = {
    "latin-1": (b"name: caf\xe9\n", "r.yaml:1:10: not UTF-8 text: byte 0xE9"),
    "UTF-16": ("name: x\n".encode("utf-16"), "r.yaml:1:1: not UTF-8 text: byte 0xFF"),
    "too large": (b"# " + b"x" * (1 << 20), "r.yaml: larger than 1 MiB"),
}
# fmt: on


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_recipe(desk, case):
    content, report = BYTES[case]
    desk.write("r.yaml", content)
    from recipebuild.recipe.load import load
    from recipebuild.recipe.problems import RecipeProblems

    with pytest.raises(RecipeProblems) as caught:
        load("r.yaml", cwd=desk.folder)
    assert str(caught.value).startswith(report)


def test_a_key_given_twice_names_both_lines(desk, good):
    problem = desk.problem(good + "input: {shape: [1, 3, 64, 64]}\n")
    assert (problem.field, problem.place.line, problem.place.column) == ("input", 9, 1)
    assert "given twice, first on line 3" in problem.message


def test_a_key_given_twice_does_not_hide_other_problems(desk, good):
    text = good.replace("  mean:", "  color: PURPLE\n  color: RGB\n  mean:")
    assert [(p.field, p.place.line) for p in desk.problems(text)] == [("input.color", 5), ("input.color", 6)]


def test_anchors_and_merge_keys_are_fine(desk, good):
    text = good.replace("input:\n", "input:\n  <<: {color: BGR, name: image}\n") + "export: &e {output: raw}\n"
    recipe = desk.one(text).recipe
    assert (recipe.input.color, recipe.input.name, recipe.export.output) == ("BGR", "image", "raw")


def test_what_a_mapping_says_itself_wins_over_what_it_merges(desk, good):
    text = good.replace("input:\n", "input:\n  <<: [{color: BGR}, {color: GREEN, name: b}]\n")
    recipe = desk.one(text).recipe
    assert (recipe.input.color, recipe.input.name) == ("BGR", "b")


def test_a_wrong_merged_value_is_located_where_it_was_written(desk, good, marked):
    text, line, column = marked(good.replace("input:\n", "input:\n  <<: {color: «GREEN}\n"))
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == ("input.color", line, column)


def test_byte_order_mark_and_windows_line_ends_are_fine(desk, good):
    desk.write("r.yaml", b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode())
    from recipebuild.recipe.load import load

    assert load("r.yaml", cwd=desk.folder)[0].recipe.input.shape == (1, 3, 64, 128)
    problem = desk.problem(good.replace("64", "-64").replace("\n", "\r\n"))
    assert (problem.place.line, problem.place.column, problem.place.source) == (4, 17, "  shape: [1, 3, -64, 128]")


# YAML 1.2: what looks like text is text, what looks like a number is a number.
SCALARS = {
    "off": "off", "no": "no", "Yes": "Yes", "1:30": "1:30", "2026-01-02": "2026-01-02", "010": "010", "0x10": "0x10",
    "1_000": "1_000", "1e-3": 1e-3, "1.5e+2": 150.0, "-.5": -0.5, "7": 7, "-7": -7, "0": 0, "1.": 1.0, "true": True,
    "FALSE": False, "null": None, "~": None, "'7'": "7", '"true"': "true", "=": "=", "1e400": float("inf"),
    "!!str 7": "7", "!!int 7": 7, "v1.2": "v1.2", "1.2.3": "1.2.3", "-": [None],
}  # fmt: skip


@pytest.mark.parametrize("text", SCALARS)
def test_scalars(text):
    from recipebuild.recipe.yamltext import parse

    _, value, _ = parse(text)
    assert value == SCALARS[text]
    assert type(value) is type(SCALARS[text])


@pytest.mark.parametrize("text", ["!!int x", "!!float x", "9" * 6000, "!!bool x"])
def test_odd_numbers_are_no_crash(desk, good, text):
    assert desk.problem(good.replace("./images", f"./images\n  count: {text}")).field == "calibration.count"
