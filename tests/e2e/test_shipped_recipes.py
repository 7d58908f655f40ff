"""The recipes that ship, built as a user builds them. Minutes long: `make test-all`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]


def peak_bytes(process: subprocess.Popen[str]) -> int:
    """Largest memory in use by a process and all its children together until it ends."""
    peak = 0
    while process.poll() is None:
        used = 0
        for one in [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]:
            try:
                used += psutil.Process(one).memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak = max(peak, used)
        time.sleep(0.2)
    return peak


@pytest.mark.slow
def test_quickstart_keeps_its_promises(make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.command("run", "quickstart")
    metrics = json.loads((project.folder / "build" / "quickstart" / "manifest.json").read_text())["metrics"]
    assert metrics["miou_float"] >= 0.70
    assert metrics["miou_quantized"] >= metrics["miou_float"] - 0.10


@pytest.mark.slow
def test_b0_builds_offline_through_quantization_within_8_gb(make_project: Callable[[], Project]) -> None:
    project = make_project()
    process = project.start("run", "b0-cityscapes", "--weights", "random", HF_HUB_OFFLINE="1")
    peak = peak_bytes(process)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "real images of your own" in out
    assert (project.folder / "build" / "b0-cityscapes" / "quantized.onnx").is_file()
    assert peak < 8e9


@pytest.mark.slow
def test_b0_gets_the_same_graph_from_the_old_exporter(make_project: Callable[[], Project]) -> None:
    project = make_project()
    old = ("--set", "export.exporter=torchscript", "--set", "export.opset=11", "--set", "calibration.count=2")
    project.command("run", "b0-cityscapes", "--weights", "random", *old, HF_HUB_OFFLINE="1")
    manifest = json.loads((project.folder / "build" / "b0-cityscapes" / "manifest.json").read_text())
    metrics = {step["name"]: step["metrics"] for step in manifest["steps"]}
    assert metrics["rewrite"]["rolled_back"] == []
    assert metrics["rewrite"]["nodes_after"] <= 240
    assert metrics["verify"]["agreement"] == 1


@pytest.mark.slow
def test_the_first_command_of_the_readme_works_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    (tmp_path / "home").mkdir()

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=clone, env=Project(tmp_path).environment(), text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("make", "run", f"PYTHON={sys.executable}")
    assert "nothing to do" in run("make", "run")
    assert run("git", "status", "--porcelain") == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml")))
def test_every_recipe_builds_offline_as_far_as_the_final_graph(name: str, make_project: Callable[[], Project]) -> None:
    if "giant" in name and psutil.virtual_memory().available < 18e9:
        pytest.skip("needs 18 GB of free memory")
    project = make_project()
    weights = () if name.startswith("quickstart-") else ("--weights", "random")
    project.command("run", name, *weights, "--until", "head", HF_HUB_OFFLINE="1")
    assert (project.folder / "build" / name / "model.onnx").is_file()
