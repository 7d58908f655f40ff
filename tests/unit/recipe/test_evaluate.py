"""The section evaluate: which metrics fit which task, where datasets come from."""

from __future__ import annotations

import pytest

BAD = {
    "metric of another task": ("evaluate: {dataset: labelled, metric: «top1}", "evaluate.metric", ["no top1", "miou"]),
    "no names": ("evaluate: {dataset: labelled, labels: «[]}", "evaluate.labels", ["must not be empty"]),
    "no metric": ("evaluate: {dataset: labelled, metric: «iou}", "evaluate.metric", ["did you mean `miou`"]),
    "hub id": ("evaluate: {dataset: «hf://coco}", "evaluate.dataset", ["is no dataset of the hub", "owner/name"]),
    "no depth folder": ("evaluate: {dataset: «labelled, layout: depth}", "evaluate.dataset", ["has no folder depth"]),
    "no cities": ("evaluate: {dataset: «labelled, layout: cityscapes}", "evaluate.dataset", ["no folder leftImg8bit"]),
    "no labels": ("evaluate: {dataset: «half}", "evaluate.dataset", ["no folder labels", "layout: images"]),
    "prepared": ("evaluate: {dataset: «saved}", "evaluate.dataset", ["of the library `datasets`", "layout: datasets"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_its_line(desk, good, marked, case):
    (desk.folder / "half/images").mkdir(parents=True)
    (desk.folder / "saved").mkdir()
    (desk.folder / "saved/dataset_dict.json").write_text("{}")
    more, field, words = BAD[case]
    text, line, column = marked(good + more)
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == (field, line, column), str(problem)
    for word in words:
        assert word in str(problem)


GOOD = [
    "{dataset: hf://datasets/owner/name@v1, split: test}",
    "{dataset: saved, layout: datasets, columns: [image, label]}",
    "{dataset: images, layout: images, metric: agreement}",
    "{dataset: labelled, layout: coco}",
    "{dataset: labelled, reduce_labels: true, max_drop: 0.01}",
    "{dataset: labelled, labels: [apple, pear]}",
]


def test_only_models_with_classes_have_names_for_them(desk, good, marked):
    (desk.folder / "labelled/depth").mkdir()
    depth = good.replace("model:\n", "model:\n  task: depth-estimation\n")
    text, line, column = marked(depth + "evaluate: {dataset: labelled, layout: depth, labels: «[near, far]}")
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == ("evaluate.labels", line, column), str(problem)
    assert problem.message == "depth-estimation has no classes"


@pytest.mark.parametrize("section", GOOD)
def test_datasets_of_all_kinds_are_taken(desk, good, section):
    (desk.folder / "saved").mkdir()
    evaluate = desk.one(f"{good}evaluate: {section}\n").recipe.evaluate
    assert evaluate.is_prepared == ("datasets" in section.partition(",")[0] or "layout: datasets" in section)
    assert evaluate.dataset.startswith(("hf://", "/"))


def test_an_onnx_file_has_no_pytorch_model_to_measure(desk, good, marked):
    (desk.folder / "net.onnx").write_bytes(b"")
    onnx = good.replace("source: ./net", "source: ./net.onnx")
    text, line, column = marked(onnx + "evaluate: {dataset: labelled, reference: «pytorch}")
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == ("evaluate.reference", line, column), str(
        problem
    )
    assert "no PyTorch model" in problem.message
