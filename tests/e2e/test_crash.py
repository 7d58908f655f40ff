"""What a crash, a damaged disk or a crowd may do to a store: nothing that the next run does not put right."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.project import Project

KILLS = 200


def outputs(project: Project) -> list[list[dict[str, Any]]]:
    return [step["outputs"] for step in project.manifest()["steps"]]


def edits(number: int) -> list[str]:
    """Settings that no earlier number has, so that there always is something to build."""
    values = {"model.seed": number, "model.weights": "random", "calibration.seed": number}
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


@pytest.mark.slow
@pytest.mark.timeout(3600)  # 200 moments of some seconds, and the builds between them
def test_killed_at_200_moments_the_build_is_that_of_an_undisturbed_one(make_project: Callable[[], Project]) -> None:
    project, undisturbed, moments = make_project(), make_project(), random.Random(8)
    began = time.monotonic()
    undisturbed.new_process("run", undisturbed.recipe, *edits(0))
    whole = time.monotonic() - began  # on a busy machine a step that imports torch takes seconds to begin
    kills = finished = 0
    while kills < KILLS:
        process = project.start("run", project.recipe, *edits(finished))
        try:
            process.communicate(timeout=moments.uniform(0.05, max(5, 0.6 * whole)))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 0
            finished += 1
    project.command("run", project.recipe, *edits(finished))
    assert finished > 3, "the moments were all before the first step ended"
    assert not list((project.store / "tmp").iterdir())
    assert not list((project.store / "locks").iterdir())
    project.command("cache", "verify")
    for number in (0, finished):
        project.command("run", project.recipe, *edits(number))
        undisturbed.command("run", undisturbed.recipe, *edits(number))
        assert outputs(project) == outputs(undisturbed)


@pytest.mark.slow
def test_eight_processes_on_one_store_build_each_step_once(make_project: Callable[[], Project]) -> None:
    projects = [make_project() for _ in range(8)]
    store = projects[0].folder / "store"
    running = [project.start("run", project.recipe, "--store", store, "--json") for project in projects]
    built: Counter[str] = Counter()
    for process in running:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
        built.update(step["key"] for step in json.loads(out)["steps"] if step["status"] == "built")
    assert len(built) == len(projects[0].manifest()["steps"])
    assert set(built.values()) == {1}
    assert all(outputs(project) == outputs(projects[0]) for project in projects)


@pytest.mark.slow
def test_a_bit_flipped_in_every_blob_is_found_and_healed(make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.command("run", project.recipe)
    before, position = outputs(project), random.Random(8)
    blobs = [path for path in (project.store / "blobs").iterdir() if path.stat().st_size]
    for path in blobs:
        content, state = bytearray(path.read_bytes()), path.stat()
        content[position.randrange(len(content))] ^= 1 << position.randrange(8)
        path.chmod(0o644)
        path.write_bytes(content)
        path.chmod(0o444)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # a disk that rots leaves no trace in the times
    output = project.command("cache", "verify", code=5).stdout
    assert all(path.name in output for path in blobs)
    project.command("run", project.recipe)
    assert outputs(project) == before
    project.command("cache", "verify")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Puts a folder on a file system of its own that is mounted read-only."""
    place = tmp_path / "mount"
    place.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a tmpfs")

    def put(folder: Path) -> Path:
        subprocess.run(["cp", "-a", str(folder), str(place / "store")], check=True)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        return place / "store"

    yield put
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_store_on_a_read_only_mount_serves_and_says_why_it_takes_nothing_new(
    built_project: Project, read_only: Callable[[Path], Path]
) -> None:
    built_project.command("run", built_project.recipe)
    store = read_only(built_project.store)
    served = built_project.command("run", built_project.recipe, "--store", store, "--build-dir", "elsewhere")
    assert "nothing to do" in served.stdout
    assert (built_project.folder / "elsewhere" / "tiny" / "model.onnx").is_file()
    refused = built_project.command(
        "run", built_project.recipe, "--store", store, "--set", "calibration.seed=9", code=2
    )
    assert f"the store {store} cannot be written" in refused.stderr and "--store" in refused.stderr
