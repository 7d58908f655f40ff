from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable

import pytest
from support.project import Project

ALL = [
    "fetch",
    "export",
    "simplify",
    "rewrite",
    "head",
    "calibrate",
    "configure",
    "verify",
    "lint",
    "compile",
    "answers-float",
    "answers-quantized",
    "evaluate",
    "rungs",
    "ladder",
    "preview",
    "layers",
    "judge",
    "bundle",
]
LAST = {"compile", "answers-quantized", "evaluate", "rungs", "ladder", "preview", "layers", "judge", "bundle"}


def test_check_says_how_long_a_build_took_that_was_there_before(make_built_project: Callable[[], Project]) -> None:
    project = make_built_project()
    took = sum(step["seconds"] for step in project.manifest()["steps"])
    checked = json.loads(project.command("check", project.recipe, "--json").stdout)
    assert checked["seconds"] == pytest.approx(took, abs=1)
    assert "tiny: ok (the last build took " in project.command("check", project.recipe).stdout
    other = json.loads(project.command("check", project.recipe, "--json", "--set", "name=other").stdout)
    assert other["seconds"] is None


def test_a_run_leaves_what_it_promises(built_project: Project) -> None:
    build, manifest = built_project.build, built_project.manifest()
    for name in ("model.onnx", "calibration.tar", "pulsar2.json", "quantized.onnx", "preview.png"):
        assert (build / name).stat().st_size > 0, name
    assert manifest["status"] == "ok"
    assert manifest["toolchain"]["name"] == "onnxruntime"
    assert [step["name"] for step in manifest["steps"]] == ALL
    for step in manifest["steps"]:
        assert step["key"] and step["outputs"], step["name"]
        assert (build / step["log"]).is_file()
        for output in step["outputs"]:
            content = (build / output["path"]).read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (output["sha256"], output["bytes"])
    assert 0 <= manifest["metrics"]["miou_quantized"] <= 1
    assert 0 <= manifest["metrics"]["miou_float"] <= 1


def test_the_final_model_gives_class_ids_at_a_quarter_of_the_size(built_project: Project) -> None:
    import numpy as np
    import onnxruntime

    for name in ("model.onnx", "quantized.onnx"):
        session = onnxruntime.InferenceSession(str(built_project.build / name), providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {"pixel_values": np.zeros((1, 3, 64, 128), np.float32)})
        assert [o.name for o in session.get_outputs()] == ["argmax_output"]
        assert output.shape == (1, 1, 16, 32) and output.dtype == np.int64
        assert output.min() >= 0 and output.max() <= 18


def test_the_second_run_does_nothing_and_says_so(built_project: Project) -> None:
    built_project.command("run", built_project.recipe)
    before = {p: p.stat().st_mtime_ns for p in built_project.build.rglob("*")}
    again = built_project.new_process("run", built_project.recipe)
    assert "nothing to do" in again.stdout
    assert again.stderr == "" and again.returncode == 0
    assert built_project.built() == set()
    assert {p: p.stat().st_mtime_ns for p in built_project.build.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "rebuilt", "kept"),
    [
        ("comment", set(), set(ALL)),
        (
            "--set calibration.count=3",
            {"calibrate", "configure", "compile"},
            {"fetch", "export", "simplify", "rewrite", "head"},
        ),
        (
            "--set input.mean=[120.0,116.28,103.53]",
            {"configure", "compile"},
            {"fetch", "export", "simplify", "rewrite", "head", "calibrate"},
        ),
        ("--set quantization.method=Percentile", {"configure", "compile"}, set(ALL) - LAST - {"configure"}),
        (
            "--set head.keep_logits=true",
            {"head", "compile"},
            {"fetch", "export", "simplify", "rewrite", "calibrate", "configure"},
        ),
    ],
)
def test_only_what_changed_is_built(
    built_project: Project, recipe_text: str, change: str, rebuilt: set[str], kept: set[str]
) -> None:
    built_project.command("run", built_project.recipe)
    if change == "comment":
        built_project.recipe.write_text("# a comment\n" + recipe_text)
    changed = change.split() if change.startswith("--") else []
    # What follows the compilation takes long and says nothing more; and configure is not needed by compile.
    ends = [["--until", "configure"], ["--until", "compile"]] if changed else [[]]
    built = set()
    for end in ends:
        built_project.command("run", built_project.recipe, "-j", 1, *end, *changed)
        built |= built_project.built()
    assert rebuilt <= built
    assert not kept & built


def test_the_same_recipe_gives_the_same_bytes_in_another_folder(
    built_project: Project, make_project: Callable[[], Project]
) -> None:
    built_project.command("run", built_project.recipe)
    other = make_project()
    other.command("run", other.recipe, "-j", 1)
    for step, twin in zip(built_project.manifest()["steps"], other.manifest()["steps"], strict=True):
        assert step["outputs"] == twin["outputs"], step["name"]
        assert step["key"] == twin["key"], step["name"]


def test_json_is_the_manifest_and_nothing_else(built_project: Project) -> None:
    printed = built_project.new_process("run", built_project.recipe, "--json").stdout
    assert json.loads(printed) == built_project.manifest()


def test_plan_tells_what_would_be_built_and_why(built_project: Project) -> None:
    built_project.command("run", built_project.recipe)
    assert "never built" not in built_project.command("plan", built_project.recipe).stdout
    plan = json.loads(
        built_project.command("plan", built_project.recipe, "--set", "calibration.count=2", "--json").stdout
    )
    steps = {step["name"]: step for step in plan["steps"]}
    assert steps["export"]["status"] == "cached"
    assert steps["calibrate"]["why"] == [
        {
            "where": "params.count",
            "old": 4,
            "new": 2,
            "field": "calibration.count",
            "place": "--set calibration.count=2",
        }
    ]
    assert steps["compile"]["status"] == "follows" and "tiny/calibrate" in steps["compile"]["after"]


def test_a_template_of_the_users_builds_only_what_renders_it(built_project: Project) -> None:
    templates = built_project.folder / "templates"

    def build_with(name: str, text: str) -> set[str]:
        (templates / name).parent.mkdir(parents=True, exist_ok=True)
        (templates / name).write_text(text)
        built_project.command("run", built_project.recipe, "--templates", templates)
        return built_project.built()

    assert build_with("report/report.css", "body {}") == set()
    assert build_with("pulsar2/config.json.j2", '{% extends "shipped/pulsar2/config.json.j2" %}') == {"configure"}
    assert build_with("bundle/README.md.j2", '{% include "common/licence.j2" ignore missing %}mine') == {"bundle"}
    assert build_with("common/licence.j2", "MIT, ") == {"configure", "bundle"}
    assert (built_project.build / "bundle" / "README.md").read_text() == "MIT, mine"


def test_explain_names_the_value_the_line_and_what_follows(built_project: Project, recipe_text: str) -> None:
    built_project.command("run", built_project.recipe)
    built_project.recipe.write_text(recipe_text.replace("count: 4", "count: 5"))
    explanation = built_project.command("explain", built_project.recipe, "calibrate").stdout
    line = next(n for n, text in enumerate(built_project.recipe.read_text().splitlines(), 1) if "count: 5" in text)
    assert "tiny/calibrate would be built; changed since " in explanation
    assert f"calibration.count  4 -> 5  recipes/tiny.yaml:{line}:" in explanation
    assert "tiny/compile" in explanation and "s last time" in explanation
    (entry,) = [json.loads(built_project.command("explain", built_project.recipe, "export", "--json").stdout)]
    assert entry["status"] == "cached" and {after["id"] for after in entry["then"]} >= {"tiny/head", "tiny/compile"}
    assert "export" in built_project.command("explain", built_project.recipe, "bake", code=2).stderr


def test_until_builds_what_the_step_needs_and_no_more(make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.command("run", project.recipe, "--until", "calibrate")
    assert project.built() == {"calibrate"}
    assert not (project.build / "model.onnx").exists()


def test_a_matrix_builds_each_entry_and_shares_what_is_the_same(make_built_project: Callable[[], Project]) -> None:
    project = make_built_project()
    project.recipe.write_text(project.recipe.read_text() + "matrix: {target.npu_mode: [NPU1, NPU3]}\n")
    project.command("run", project.recipe, "--until", "configure")
    entries = [(s["name"], s["variant"]) for s in project.manifest()["steps"]]
    assert entries == [("configure", "npu_mode=NPU1"), ("configure", "npu_mode=NPU3")]
    places = [step["outputs"][0]["path"] for step in project.manifest()["steps"]]
    assert places == [f"partial/{variant}/pulsar2.json" for _, variant in entries], "the build before is kept"
    configs = [json.loads((project.build / place).read_text()) for place in places]
    assert [config.get("npu_mode", "NPU1") for config in configs] == ["NPU1", "NPU3"], "a default is left out"
    project.command("run", project.recipe, "--until", "head")
    assert [s["variant"] for s in project.manifest()["steps"]] == [""] * 5
    assert (project.build / "partial" / "npu_mode=NPU3" / "model.onnx").is_file()


def test_files_of_an_earlier_build_do_not_linger(built_project: Project, recipe_text: str) -> None:
    built_project.command("run", built_project.recipe)
    own = built_project.build / "notes.txt"
    own.write_text("a file of the user's")
    assert (built_project.build / "steps" / "ladder" / "ladder.json").is_file()
    built_project.recipe.write_text(recipe_text.replace("evaluate: {dataset: ./labelled}", ""))
    built_project.command("run", built_project.recipe)
    assert (built_project.build / "model.onnx").is_file() and own.is_file()
    assert not (built_project.build / "steps" / "ladder").exists()
    built_project.recipe.write_text(recipe_text)
    built_project.command("run", built_project.recipe)
    assert (built_project.build / "steps" / "ladder" / "ladder.json").is_file()


def test_what_the_user_spoiled_in_the_build_folder_is_put_right(built_project: Project) -> None:
    path = built_project.build / "pulsar2.json"
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(b"x" * len(good))
    built_project.command("run", built_project.recipe)
    assert path.read_bytes() == good
    assert built_project.built() == set()


def test_render_prints_the_configuration_that_the_build_has(built_project: Project) -> None:
    built_project.command("run", built_project.recipe)
    printed = built_project.command("render", built_project.recipe).stdout
    assert printed == (built_project.build / "pulsar2.json").read_text()


def test_pulsar2_that_is_missing_ends_with_4_before_anything_is_built(
    make_built_project: Callable[[], Project],
) -> None:
    project = make_built_project()
    shutil.rmtree(project.build)
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if "docker" not in p)
    insist = ("--toolchain", "pulsar2")
    failed = project.command("run", project.recipe, *insist, code=4, PATH=path)
    assert "Pulsar2 is not on this machine" in failed.stderr
    assert "ax_pulsar2" in failed.stderr and not project.build.exists()
    assert (
        "RB503 Pulsar2, which the recipe asks for"
        in project.command("check", project.recipe, *insist, PATH=path).stdout
    )
    project.command("run", project.recipe, *insist, "--until", "verify", PATH=path)  # what comes before compile
    assert (project.build / "model.onnx").is_file() and (project.build / "calibration.tar").is_file()
    project.command("run", project.recipe, "--toolchain", "onnxruntime", "--until", "compile")
    assert not {"export", "simplify", "calibrate"} & project.built()
    assert {"rewrite", "compile"} <= project.built()  # the host gets another graph than the NPU
