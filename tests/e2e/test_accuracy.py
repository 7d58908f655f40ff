"""Accuracy as a user sees it: tables, warnings, datasets of other kinds, and what bad input comes to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from support.project import Project

PROCESSOR = {
    "image_processor_type": "SegformerImageProcessor", "size": {"height": 64, "width": 128}, "resample": 2,
    "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
}  # fmt: skip


@pytest.fixture(scope="module")
def project(make_built_project: Callable[[], Project]) -> Project:
    project = make_built_project()
    (project.folder / "recipes/model/preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return project


def set_(project: Project, *values: str, code: int = 0, until: str | None = None) -> str:
    words = [word for value in values for word in ("--set", value)] + (["--until", until] if until else [])
    done = project.command("run", project.recipe, "-j", 1, *words, code=code)
    return done.stdout + done.stderr


def test_the_tables_have_every_model_and_every_rung(project: Project) -> None:
    done = project.command("run", project.recipe, "-v", "--set", "evaluate.reference=pytorch")
    output = done.stdout + done.stderr
    for row in ("PyTorch ", "ONNX ", "quantized ", "PyTorch, own preprocessor", "PyTorch, recipe's input", "exported"):
        assert any(line.startswith(row) for line in output.splitlines()), row
    assert "within noise" in output
    metrics = project.manifest()["metrics"]
    assert metrics["miou_pytorch"] == pytest.approx(metrics["miou_float"], abs=1e-3)


def test_wrong_mean_is_said_to_be_that(project: Project) -> None:
    output = set_(project, "input.mean=[103.53, 116.28, 123.675]", until="verify")
    assert "warning: verify: RB114 input.mean is [103.53, 116.28, 123.675]" in output
    assert "gives [123.675, 116.28, 103.53]; red and blue are exchanged" in output


def test_a_drop_beyond_the_limit_ends_with_5_and_keeps_all(project: Project) -> None:
    project.command("run", project.recipe)
    before = project.manifest()
    unlabelled = ["evaluate.dataset=recipes/images", "evaluate.layout=images"]  # where no loss would be a wonder
    output = set_(project, *unlabelled, "evaluate.max_drop=0", code=5)
    assert "quantization takes agreement from 1.0000 to" in output
    assert any(line.startswith("quantized ") for line in output.splitlines()), "the table of accuracy is shown"
    assert (project.build / "quantized.onnx").is_file()
    assert before["status"] == "ok"
    manifest = project.manifest()
    steps = {step["name"]: step for step in manifest["steps"]}
    assert {name: steps[name]["status"] for name in ("judge", "bundle")} == {"judge": "failed", "bundle": "skipped"}
    assert steps["evaluate"]["status"] in ("built", "cached") and manifest["metrics"]["metric"] == "agreement"
    assert steps["judge"]["error"]["exit_code"] == 5
    assert steps["judge"]["metrics"]["checks"][0]["passed"] is False
    assert "loss of agreement" in (project.build / "report.partial.html").read_text()

    set_(project, *unlabelled, "evaluate.max_drop=1")
    assert "evaluate" not in project.built() and {"judge", "bundle"} <= project.built()
    assert (project.build / "bundle.tar.gz").is_file()


def test_another_limit_runs_judge_alone_and_explain_names_its_line(project: Project) -> None:
    recipe = project.recipe.read_text()
    project.command("run", project.recipe)
    try:
        project.recipe.write_text(recipe.replace("labelled}", "labelled, max_drop: 0.9}"))
        explanation = project.command("explain", project.recipe, "judge").stdout
        project.command("run", project.recipe)
    finally:
        project.recipe.write_text(recipe)
    assert project.built() == {"judge"}
    assert "evaluate.max_drop  nothing -> 0.9  recipes/tiny.yaml:6:43" in explanation


def test_an_image_that_is_added_is_the_only_one_that_is_computed(project: Project) -> None:
    labelled, more = project.folder / "recipes/labelled", project.folder / "recipes/more"
    set_(project, until="answers-float")
    shutil.copytree(labelled, more)
    there = sorted((labelled / "images").iterdir())
    with Image.open(there[0]) as image, Image.open(labelled / "labels" / f"{there[0].stem}.png") as label:
        ImageOps.mirror(image).save(more / "images/0-mirrored.png")
        ImageOps.mirror(label).save(more / "labels/0-mirrored.png")
    set_(project, "evaluate.dataset=recipes/more", until="answers-float")
    log = max(project.build.rglob("answers-float.log"), key=lambda path: path.stat().st_mtime_ns)
    assert f"1 of {len(there) + 1} images are computed" in log.read_text()


def test_without_labels(project: Project) -> None:
    set_(project, "evaluate.dataset=recipes/images", "evaluate.layout=images", until="evaluate")
    metrics = project.manifest()["metrics"]
    assert metrics["metric"] == "agreement"
    assert metrics["agreement_float"] == 1.0
    assert 0 < metrics["agreement_quantized"] <= 1


def test_a_dataset_of_the_library_datasets(project: Project) -> None:
    datasets = pytest.importorskip("datasets")
    labelled = project.folder / "recipes/labelled"
    columns = {
        column: [str(path) for path in sorted((labelled / folder).iterdir())]
        for column, folder in (("image", "images"), ("label", "labels"))
    }
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Image()})
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(project.folder / "saved")
    set_(project, until="evaluate")
    right = project.manifest()["metrics"]["miou_float"]
    set_(project, "evaluate.dataset=saved", "evaluate.layout=datasets", until="evaluate")
    assert project.manifest()["metrics"]["miou_float"] == right


def test_an_empty_dataset_and_labels_of_another_size_fail_by_name(project: Project) -> None:
    from PIL import Image

    empty = project.folder / "empty"
    for part in ("images", "labels"):
        (empty / part).mkdir(parents=True, exist_ok=True)
    assert "the dataset" in set_(project, "evaluate.dataset=empty", code=3, until="evaluate")
    sizes = project.folder / "sizes"
    shutil.copytree(project.folder / "recipes/labelled", sizes)
    path: Path = sizes / "labels/0.png"
    Image.new("L", (64, 64)).save(path)
    wrong = ("evaluate.dataset=sizes",)
    assert "labels/0.png is 64x64, but its image is 128x64" in set_(project, *wrong, code=3, until="evaluate")
    Image.new("L", (128, 64), 77).save(path)
    assert "labels/0.png has class id 77, but the 19 classes" in set_(project, *wrong, code=3, until="evaluate")
