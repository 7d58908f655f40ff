"""Paths: relative to the file that wrote them, and there before anything is built."""

from __future__ import annotations

import pytest

from recipebuild.recipe.load import load


def test_paths_in_a_loaded_recipe_are_absolute_and_plain(desk, good):
    desk.write("far/r.yaml", good.replace("./", "../") + "evaluate: {dataset: ../far/../labelled}\n")
    recipe = load("far/r.yaml", cwd=desk.folder)[0].recipe
    assert recipe.model.source == f"{desk.folder}/net"
    assert recipe.calibration.source == f"{desk.folder}/images"
    assert recipe.evaluate.dataset == f"{desk.folder}/labelled"


SOURCES = {
    "./net": "net", "net": "net", "net.onnx": "net.onnx", "./net/": "net", "{folder}/net": "net",
    "nvidia/mit-b0": None, "gpt2": None, "owner/name.v1_2-x": None,
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_a_folder_a_file_or_a_hub_id(desk, good, source):
    text = source.format(folder=desk.folder)
    model = desk.one(good.replace("./net", text)).recipe.model
    assert model.is_local == (SOURCES[source] is not None)
    assert model.source == (f"{desk.folder}/{SOURCES[source]}" if model.is_local else text)


@pytest.mark.parametrize("name", ["://", "a b://c", "1st://streets"])
def test_a_path_may_look_like_an_address_without_being_one(desk, good, name):
    (desk.folder / name).mkdir(parents=True)
    calibration = desk.one(good.replace("./images", f"'./{name}'")).recipe.calibration
    assert calibration.path == f"{desk.folder}/{name}".replace("//", "/").rstrip("/")


def test_the_home_folder(desk, good, monkeypatch):
    monkeypatch.setenv("HOME", str(desk.folder))
    assert desk.one(good.replace("./net", "~/net")).recipe.model.source == f"{desk.folder}/net"


@pytest.mark.parametrize("source", ["a/b/c", "-x/y", "a/b--c", "x y", "a/..b", "owner/", "/", "héé/x", "a/b.", "a:b"])
def test_neither_path_nor_hub_id(desk, good, source):
    assert desk.problem(good.replace("./net", f"'{source}'")).field == "model.source"


def test_the_address_of_a_page_of_the_hub(desk, good):
    problem = desk.problem(good.replace("./net", "https://huggingface.co/nvidia/mit-b0/tree/main"))
    assert (problem.field, problem.remedy) == ("model.source", "a model of the hub is written nvidia/mit-b0")


GLOBS = {
    "./images/*.jpg": ("images", "*.jpg"),
    "./images/**/*.jpg": ("images", "**/*.jpg"),
    "*/a.jpg": ("", "*/a.jpg"),
    "images/[ab].jpg": ("images", "[ab].jpg"),
    "./images": ("images", None),
    "streets.tar": ("streets.tar", None),
}


@pytest.mark.parametrize("source", GLOBS)
def test_a_calibration_source_may_be_a_glob(desk, good, source):
    calibration = desk.one(good.replace("./images", f"'{source}'")).recipe.calibration
    folder, pattern = GLOBS[source]
    assert (calibration.path, calibration.pattern) == (f"{desk.folder}/{folder}".rstrip("/"), pattern)


MISSING = {
    "model folder": ("./net", "«./gone", "model.source", ["no such folder: ", "/gone", "owner/name"]),
    "model file": ("./net", "«gone.onnx", "model.source", ["no such file: ", "/gone.onnx"]),
    "model without config": ("./net", "«./images", "model.source", ["has no config.json"]),
    "an adapter": ("./net", "«./lora", "model.source", ["is an adapter (LoRA)", "model.adapter"]),
    "no adapter": ("./net", "./net\n  adapter: «./gone", "model.adapter", ["no such folder"]),
    "adapter without config": ("./net", "./net\n  adapter: «./images", "model.adapter", ["no adapter_config.json"]),
    "adapter of the hub": ("./net", "./net\n  adapter: «me/lora", "model.adapter", ["downloaded first"]),
    "model that is some file": ("./net", "«./streets.tar", "model.source", ["is a file that is not ONNX"]),
    "onnx that is a folder": ("./net", "«./folder.onnx", "model.source", ["no such file"]),
    "images": ("./images", "«./gone", "calibration.source", ["no such file or folder: ", "/gone"]),
    "images without ./": ("./images", "«gone", "calibration.source", ["no such file or folder: ", "/gone"]),
    "images for the glob": ("./images", "«./images/*.png", "calibration.source", ["no file in ", "matches *.png"]),
    "folder of the glob": ("./images", "«gone/*.png", "calibration.source", ["no such folder: "]),
    "archive that is an image": ("./images", "«images/a.jpg", "calibration.source", ["nor an archive"]),
    "user": ("./images", "«~nobody-of-that-name/x", "calibration.source", ["no such file or folder"]),
    "name too long": ("./images", "«" + "x" * 3000, "calibration.source", ["cannot be read"]),
    "NUL in a name": ("./images", '«"a\\0b"', "calibration.source", ["a text with a NUL character"]),
    "dataset": ("", "evaluate: {dataset: «gone}", "evaluate.dataset", ["no such folder: ", "/gone"]),
    "labels": ("", "evaluate: {dataset: «half}", "evaluate.dataset", ["has no folder labels"]),
    "no labelled images": ("", "evaluate: {dataset: «images}", "evaluate.dataset", ["no folder images and no folder"]),
}  # fmt: skip


@pytest.mark.parametrize("case", MISSING)
def test_missing_files_are_errors_of_the_recipe(desk, good, marked, case):
    (desk.folder / "folder.onnx").mkdir()
    (desk.folder / "half/images").mkdir(parents=True)
    (desk.folder / "lora").mkdir()
    (desk.folder / "lora/adapter_config.json").write_text("{}")
    old, new, field, words = MISSING[case]
    text, line, column = marked(good.replace(old, new, 1) if old else good + new)
    problem = desk.problem(text)
    assert (problem.field, problem.place.line, problem.place.column) == (field, line, column), str(problem)
    for word in words:
        assert word in str(problem)


def test_missing_files_are_reported_along_with_wrong_values(desk, good):
    text = good.replace("./net", "./gone").replace("./images", "./gone").replace("[58.395,", "[0,")
    assert [p.field for p in desk.problems(text)] == ["model.source", "input.std", "calibration.source"]
