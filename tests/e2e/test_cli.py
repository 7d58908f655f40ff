from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.project import Project

from recipebuild import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_help_names_every_verb_and_a_verb_has_help(built_project: Project) -> None:
    output = built_project.command("--help").stdout
    verbs = ("run", "plan", "explain", "check", "render", "schema", "import", "inspect", "diff", "models", "lock")
    more = ("estimate", "board", "bundle", "cache", "new", "doctor", "help", "report", "graph", "ui", "accept")
    for verb in (*verbs, *more):
        assert re.search(rf"^  {verb} ", output, re.M), verb
    assert "Usage" in built_project.command("run", "--help").stdout  # tests/unit/cli/test_help.py has all of them


def test_version_and_schema(built_project: Project) -> None:
    assert __version__ in built_project.command("--version").stdout
    assert built_project.command("schema").stdout == (ROOT / "docs" / "recipe.schema.json").read_text()


@pytest.mark.parametrize("arguments", [["run"], ["bake", "x"], ["run", "x", "-j", "0"], ["run", "x", "--frobnicate"]])
def test_a_wrong_command_line_ends_with_2(built_project: Project, arguments: list[str]) -> None:
    assert "Usage" in built_project.command(*arguments, code=2).stderr


def test_every_shipped_recipe_passes_check_by_name_from_anywhere(built_project: Project) -> None:
    names = [path.stem for path in (ROOT / "recipes").glob("*.yaml")]
    output = built_project.command("check", *names).stdout
    for name in names:
        assert f"{name}: ok" in output


def test_check_tells_all_problems_of_all_recipes(built_project: Project) -> None:
    bad = built_project.recipe.with_name("two-faults.yaml")
    bad.write_text(built_project.recipe.read_text() + "inptu: {}\nexport: 5\n")
    failed = built_project.command("check", bad, "nowhere", built_project.recipe, code=2)
    for words in ("two-faults.yaml:", "inptu", "did you mean", "nowhere"):
        assert words in failed.stderr
    assert "tiny: ok" in failed.stdout
    answer = json.loads(built_project.command("check", bad, "--json", code=2).stdout)
    assert answer["ok"] is False and answer["problems"]
    bad.unlink()


def test_check_and_cached_runs_import_nothing_heavy(built_project: Project) -> None:
    built_project.command("run", built_project.recipe)
    for verb in ("check", "plan", "run"):
        program = (
            "import sys; from recipebuild.cli.app import main\n"
            f"sys.argv = ['recipebuild', {verb!r}, {str(built_project.recipe)!r}]\n"
            "try: main()\nexcept SystemExit as leave: assert not leave.code, leave.code\n"
            "heavy = {'torch', 'transformers', 'onnx', 'onnxruntime', 'numpy', 'PIL', 'rich', 'jinja2'}\n"
            "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
        )
        subprocess.run(
            [sys.executable, "-c", program], cwd=built_project.folder, env=built_project.environment(), check=True
        )


def test_the_store_can_be_looked_after(built_project: Project) -> None:
    built_project.command("run", built_project.recipe)
    assert "sound" in built_project.command("cache", "verify").stdout
    stats = json.loads(built_project.command("cache", "stats", "--json").stdout)
    assert "tiny" in stats["by_recipe"] and "export" in stats["by_step"]
    blob = max((built_project.store / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    content = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    assert blob.name in built_project.command("cache", "verify", code=5).stdout
    built_project.command("run", built_project.recipe)
    assert built_project.built()
    built_project.command("cache", "verify")
    built_project.command("cache", "gc", "--max-size", "0B")
    built_project.command("run", built_project.recipe)
    assert built_project.built() == set(), "gc took what the build folder needs"
    assert "20GB" in built_project.command("cache", "gc", "--max-size", "big", code=2).stderr


def test_plan_and_explain_look_into_the_remote_store(built_project: Project, tmp_path: Path) -> None:
    there, recipe = f"file://{tmp_path}/team", str(built_project.recipe)
    built_project.command("cache", "push", recipe, "--store", there)
    new: dict[str, Any] = {"XDG_CACHE_HOME": str(tmp_path / "new-machine")}
    planned = built_project.command("plan", recipe, "--store", there, **new).stdout
    assert planned.count("from the remote store") == len(planned.splitlines()) - 1
    assert (
        "tiny/head is in the remote store: built"
        in built_project.command("explain", recipe, "head", "--store", there, **new).stdout
    )
    unheard = built_project.command("explain", recipe, "head", "--store", "sftp://127.0.0.1:1/team", **new).stdout
    assert unheard.count("warning: RB802 the store sftp://127.0.0.1:1/team cannot be read") == 1
    down = built_project.command("plan", recipe, "quickstart", "--store", "sftp://127.0.0.1:1/team", **new).stdout
    assert down.count("warning: RB802 the store sftp://127.0.0.1:1/team cannot be read") == 1
    assert "never built before" in down


def test_without_the_build_packages_run_says_what_to_install(built_project: Project) -> None:
    program = (
        "import sys, importlib.metadata as m\n"
        "found = m.distribution\n"
        "def distribution(name):\n"
        "    if name in ('torch', 'onnx'): raise m.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "m.distribution = distribution\n"
        "from recipebuild.cli.app import main\n"
        "sys.argv = ['recipebuild', *sys.argv[1:]]\n"
        "main()"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=built_project.folder, env=built_project.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    for verb in ("run", "estimate"):
        failed = run(verb, str(built_project.recipe))
        assert failed.returncode == 4
        assert "onnx, torch" in failed.stderr and "pip install '.[build]'" in failed.stderr
    for verb in ("check", "plan"):
        assert run(verb, str(built_project.recipe)).returncode == 0


@pytest.mark.parametrize("verb", ["models", "schema"])  # a few lines, and more than a pipe holds
def test_a_reader_that_has_seen_enough_is_no_error(built_project: Project, verb: str) -> None:
    process = built_project.start(verb)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 0)


def test_names_of_files_need_not_be_utf_8(built_project: Project, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(built_project.recipe.parent / "images", images)
    for name in (b"stra\xdfe.jpg", b"notes-\xfc.txt"):
        (images / os.fsdecode(name)).write_bytes((images / "street-0.jpg").read_bytes())
    source = ("--set", f"calibration.source={images}")
    for command in (("check",), ("plan",), ("run", "--json", "--until", "calibrate")):
        built_project.command(*command, built_project.recipe, *source, LC_ALL="C.UTF-8")
    assert built_project.manifest()["steps"][-1]["metrics"]["images"] == 4

    (images / os.fsdecode(b"br\xfcche.jpg")).write_bytes(b"no image")
    failed = built_project.command("run", built_project.recipe, *source, "--set", "calibration.count=8", code=3)
    assert re.search(r"br.{1,6}che\.jpg: not a JPEG", failed.stderr)
