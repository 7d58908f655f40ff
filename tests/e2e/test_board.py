"""From a recipe to a board and back, over a real SSH connection; the board's programs are stand-ins that really run."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import twins
from support.project import Project
from support.sshd import MISSING, SSHD, STANDINS, Sshd


class Desk:
    """A project, and a board that it knows as ``desk``."""

    def __init__(self, project: Project, sshd: Sshd, path: str) -> None:
        self.project, self.sshd, self._path = project, sshd, path

    def command(self, *arguments: object, code: int = 0):
        return self.project.command(*arguments, code=code, PATH=self._path, STANDIN_TWINS=str(self.sshd.twins))

    def run(self, *arguments: object, code: int = 0):
        return self.command("board", "run", self.project.recipe, "--again", *arguments, code=code)

    def start(self, *arguments: object):
        return self.project.forked("board", "run", self.project.recipe, "--again", *arguments, PATH=self._path)

    def figures(self) -> dict[str, Any]:
        (step,) = (step for step in self.project.manifest()["steps"] if step["name"] == "deploy")
        return step["metrics"]

    def calls(self) -> list[tuple[float, float, list[str]]]:
        return [json.loads(line) for line in (self.sshd.place / "state" / "calls").read_text().splitlines()]


@pytest.fixture(scope="module")
def built(make_built_project: Callable[[], Project], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if SSHD is None:
        pytest.skip(MISSING)
    sshd = Sshd(tmp_path_factory.mktemp("board"))
    sshd.prepare()
    sshd.start()
    (sshd.place / "host-programs").mkdir()
    (sshd.place / "host-programs" / "pulsar2").symlink_to(STANDINS / "pulsar2")
    path = [f"{sshd.place}/host-programs", str(Path(sys.executable).parent), os.environ["PATH"]]
    desk = Desk(make_built_project(), sshd, os.pathsep.join(path))
    add = ["--host", "board", "--ssh-config", sshd.config, "--folder", sshd.folder]
    desk.command("board", "add", "desk", *add)
    recipe = desk.project.recipe
    text = recipe.read_text().replace("input: {", "input: {color: BGR, ")
    recipe.write_text(text + "board: {runner: ax_segformer, repeat: 10, warmup: 1}\n")
    desk.command("run", recipe, "--set", "evaluate.seed=1")  # of what has no twin yet nothing is simulated
    build = desk.project.build
    twins.put(sshd.twins, build / "compiled.axmodel", build / "model.onnx", build / "pulsar2.json")
    desk.command("run", recipe)
    desk.command("board", "run", recipe)
    yield desk
    sshd.stop()


@pytest.fixture
def desk(built: Desk) -> Iterator[Desk]:
    yield built
    built.sshd.fail("")
    assert built.sshd.left_after(5) == []


def test_what_was_measured_is_in_the_manifest_beside_the_hosts(desk: Desk) -> None:
    figures, manifest = desk.figures(), desk.project.manifest()
    latency = figures["latency_ms"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["max"] and latency["calls"] == 5
    assert figures["cmm_bytes"] == 12730188
    assert figures["versions"]["pulsar2"] == "7.0 5ca1ab1e" and figures["versions"]["type"] == "NPU3"
    assert figures["agreement"]["argmax_output"] > 0.99
    assert figures["cosine"]["logits"]["min"] > 0.999
    assert figures["sample_ms"]["repeat"] == 10 and figures["sample_ms"]["avg"] > 0
    assert figures["images"] == 2 and figures["warnings"] == []
    rungs = figures["ladder"]["rows"]
    assert [row["rung"] for row in rungs] == ["head", "emulated", "simulated", "board"]
    assert (rungs[-1]["bytes_same"], rungs[-1]["images_same"], rungs[-1]["change"]) == (1.0, 2, 0.0)
    metrics = manifest["metrics"]
    assert metrics["miou_board"] == pytest.approx(metrics["miou_float"], abs=0.01)
    assert metrics["latency_ms"] == latency
    book = json.loads((desk.project.folder / "home/.local/share/recipebuild/latency.json").read_text())
    assert [(row["recipe"], row["npu_mode"]) for row in book] == [("tiny", "NPU3")]
    assert "fitted on 30 measured models" in desk.command("estimate", desk.project.recipe).stdout
    timed = [arguments for _, _, arguments in desk.calls() if "-l" not in arguments]
    assert all(arguments[2:] == ["-w", "1", "-r", "2"] for arguments in timed)


def test_the_bundle_is_on_the_board_as_it_was_built(desk: Desk) -> None:
    there = desk.sshd.folder / "models" / "tiny"
    bundle = desk.project.build / "bundle"
    assert {p.name: p.read_bytes() for p in there.iterdir()} == {p.name: p.read_bytes() for p in bundle.iterdir()}


def test_nothing_changed_nothing_is_measured_and_again_copies_only_what_differs(desk: Desk) -> None:
    before = len(desk.calls())
    assert "nothing to do" in desk.command("board", "run", desk.project.recipe, "--board", "desk").stdout
    desk.command("board", "run", desk.project.recipe, "--board", "desk", "--set", "board.min_agreement=0.5")
    assert desk.project.built() == {"judge-board"}
    assert len(desk.calls()) == before
    there = desk.sshd.folder / "models" / "tiny"
    (there / "model.json").write_text("spoiled")
    (there / "older.axmodel").write_text("of another build")
    desk.run()
    assert desk.figures()["copied"] == ["model.json"]
    assert len(desk.calls()) > before
    assert (there / "model.json").read_bytes() == (desk.project.build / "bundle" / "model.json").read_bytes()
    assert not (there / "older.axmodel").exists()


@pytest.mark.parametrize(
    ("fail", "code", "words"),
    [
        ("handle", 3, ["Create model handle failed", "damaged file"]),
        pytest.param("run", 3, ["Run model failed{0x8030070C}", "doctor"], marks=pytest.mark.slow),
        pytest.param("silent", 3, ["printed unknown text", "(nothing)"], marks=pytest.mark.slow),
        ("words", 3, ["printed unknown text", "thank you"]),
        pytest.param("short", 3, ["wrote", "bytes as"], marks=pytest.mark.slow),
        ("swapped", 5, ["do not agree", "1. preprocessing", "2. channel order", "3. layout", "4. toolchain"]),
        ("loader", 4, ["has no ax_run_model"]),
    ],
)
def test_each_failure_is_told_and_leaves_nothing(desk: Desk, fail: str, code: int, words: list[str]) -> None:
    desk.sshd.fail(fail)
    failed = desk.run(code=code)
    for word in words:
        assert word in failed.stderr
    manifest = desk.project.manifest()
    assert manifest["status"] == "failed"
    assert (desk.project.build / "compiled.axmodel").is_file()
    statuses = {step["name"]: step["status"] for step in manifest["steps"]}
    if fail == "swapped":
        assert any(text.startswith("RB703 the board differs") for text in desk.figures()["warnings"])
    judged = ("built", "failed") if code == 5 else ("failed", "skipped")
    assert (statuses["deploy"], statuses["judge-board"]) == judged


def test_a_program_that_is_missing_is_named(desk: Desk) -> None:
    program = desk.sshd.programs / "ax_run_model"
    program.rename(program.with_name("elsewhere"))
    failed = desk.run(code=4)
    program.with_name("elsewhere").rename(program)
    assert "has no ax_run_model" in failed.stderr and "/opt/bin" in failed.stderr


@pytest.mark.slow
def test_a_sample_that_is_missing_is_a_warning(desk: Desk) -> None:
    program = desk.sshd.programs / "ax_segformer"
    program.rename(program.with_name("elsewhere"))
    desk.run()
    program.with_name("elsewhere").rename(program)
    assert any("RB701 desk has no ax_segformer" in note for note in desk.project.manifest()["notes"])
    assert "sample_ms" not in desk.figures()


def test_two_runs_at_once_never_measure_at_once(desk: Desk) -> None:
    before = len(desk.calls())
    started = [desk.start("--build-dir", f"build{i}") for i in range(2)]
    for process in started:
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, out + err
    spans = sorted((began, ended) for began, ended, _ in desk.calls()[before:])
    assert len(spans) == 12  # of each run five calls for speed and one for images
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


def test_a_run_goes_on_after_dropped_connections(desk: Desk) -> None:
    process = desk.start()
    drops = 0
    while process.poll() is None and drops < 2:
        time.sleep(0.4)
        if list(desk.sshd.folder.glob("runs/*")):
            drops += desk.sshd.drop() > 0
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    assert drops and desk.figures()["latency_ms"]["calls"] == 5


@pytest.mark.slow
def test_a_card_is_measured_by_its_own_program(desk: Desk) -> None:
    add = ["--host", "board", "--ssh-config", desk.sshd.config, "--folder", desk.sshd.folder]
    desk.command("board", "add", "card", *add, "--program", "axcl_run_model", "--device", "1")
    assert {"desk", "card"} == json.loads(desk.command("board", "list", "--json").stdout).keys()
    desk.sshd.fail("once")  # as cards do, once in some hundred runs
    desk.run("--board", "card")
    figures = desk.figures()
    calls = [arguments for _, _, arguments in desk.calls() if "-d" in arguments]
    assert any("-l" in each for each in calls) and all(each[each.index("-d") + 1] == "1" for each in calls)
    assert figures["versions"]["type"] == "3 Core" and "median" in figures["latency_ms"]["tool_percentiles"]
    assert "which board" in desk.run(code=2).stderr
    boards = desk.project.folder / "home" / ".config" / "recipebuild" / "boards.yaml"
    boards.write_text(boards.read_text().partition("desk:")[1] + boards.read_text().partition("desk:")[2])


def test_doctor_looks_at_the_board(desk: Desk) -> None:
    output = desk.command("board", "doctor", "desk", code=4).stdout  # loopback has no NPU driver
    assert "ok    ax_run_model: there" in output and "fail  driver" in output
    bundle = ["--bundle", desk.project.build / "bundle"]
    report = json.loads(desk.command("board", "doctor", "desk", *bundle, "--json", code=4).stdout)
    assert {line["what"]: line["state"] for line in report}["model"] == "ok"
    assert "is no bundle" in desk.command("board", "doctor", "desk", "--bundle", desk.project.folder, code=2).stderr
    assert "no board shelf" in desk.command("board", "doctor", "shelf", code=2).stderr


def test_what_is_built_for_this_machine_is_not_deployed(desk: Desk) -> None:
    failed = desk.project.command(
        "board", "run", desk.project.recipe, "--set", "target.toolchain=onnxruntime", "--board", "desk", code=4
    )
    assert "nothing to run on a board" in failed.stderr
