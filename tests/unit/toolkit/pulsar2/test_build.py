"""Running the tool: what a container may see, whose its files are afterwards, and that nothing outlives the step."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Source, Step
from recipebuild.engine.store import Store
from recipebuild.errors import MissingError, StepError
from recipebuild.toolkit.pulsar2.build import build
from recipebuild.toolkit.pulsar2.container import started
from recipebuild.toolkit.pulsar2.tool import Tool

NATIVE = Tool("native")
DOCKER = Tool("docker", "pulsar2:7.0-lite")
Standins = Callable[..., Path]


def silent(fraction: float, text: str) -> None: ...


def calls(state: Path, kind: str) -> list[list[str]]:
    """The calls of the stand-in docker: ``run``, ``kill``..."""
    made = (json.loads(line) for line in (state / "calls").read_text().splitlines())
    return [call for call in made if call[0] == kind]


def running(state: Path) -> list[str]:
    """The names of the containers that are running."""
    return [path.name for path in state.iterdir() if path.is_file() and path.suffix != ".log" and path.name != "calls"]


def test_progress_and_log(standins: Standins, pulsar2_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    standins("pulsar2")
    steps: list[float] = []
    build(pulsar2_folder, NATIVE, hardware="AX650", progress=lambda fraction, text: steps.append(fraction))
    assert steps == sorted(steps)
    assert 0 < steps[0] < steps[-1] <= 1
    assert "max_cycle = 450,154" in capfd.readouterr().out, "the tool's log belongs into the step's"


def test_a_container_sees_nothing_but_the_folder(standins: Standins, pulsar2_folder: Path) -> None:
    state = standins("docker")
    build(pulsar2_folder, DOCKER, hardware="AX650", progress=silent)
    (call,) = calls(state, "run")
    mounts = [call[n + 1] for n, word in enumerate(call) if word in ("-v", "--volume", "--mount")]
    assert mounts == [f"{pulsar2_folder}:/data"]
    assert call[call.index("--network") + 1] == "none"
    assert call[call.index("--pull") + 1] == "never"
    assert call[call.index("--memory") + 1].endswith("m")
    assert "--gpus" not in call


def test_a_container_sees_gpus_only_if_it_needs_them(standins: Standins, pulsar2_folder: Path) -> None:
    state = standins("docker")
    build(pulsar2_folder, Tool("docker", "pulsar2:7.0-lite", gpus=True), hardware="AX650", progress=silent)
    (call,) = calls(state, "run")
    assert call[call.index("--gpus") + 1] == "all"


def test_a_container_that_ended_is_not_killed(standins: Standins, pulsar2_folder: Path) -> None:
    state = standins("docker")
    build(pulsar2_folder, DOCKER, hardware="AX650", progress=silent)
    assert not calls(state, "kill")
    assert not running(state)


def test_an_image_of_the_second_engine(
    standins: Standins, pulsar2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = standins()
    empty = tmp_path / "programs" / "docker"
    empty.write_text(f"#!{sys.executable}\n")
    empty.chmod(0o755)
    (tmp_path / "programs" / "podman").symlink_to(Path(__file__).parents[3] / "standins" / "docker")
    monkeypatch.setenv("DOCKER_STANDIN_IMAGES", "localhost/pulsar2:7.0-lite")
    build(pulsar2_folder, Tool("docker", "localhost/pulsar2:7.0-lite"), hardware="AX650", progress=silent)
    assert len(calls(state, "run")) == 1


@pytest.mark.parametrize(("controllers", "limited"), [("cpu memory pids", True), ("cpu pids", False), ("", False)])
def test_podman_limits_memory_where_it_can(
    standins: Standins,
    pulsar2_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    controllers: str,
    limited: bool,
) -> None:
    state = standins()
    (tmp_path / "programs" / "podman").symlink_to(Path(__file__).parents[3] / "standins" / "docker")
    monkeypatch.setenv("PODMAN_STANDIN_CONTROLLERS", controllers)
    build(pulsar2_folder, DOCKER, hardware="AX650", progress=silent)
    (call,) = calls(state, "run")
    assert ("--memory" in call) == limited


def test_a_folder_that_cannot_be_mounted(standins: Standins, tmp_path: Path) -> None:
    standins("docker")
    with (
        pytest.raises(StepError, match="colon"),
        started("docker", "pulsar2:7.0-lite", tmp_path / "a:b", entrypoint="/bin/sh"),
    ):
        pass


@pytest.mark.parametrize(("network", "option"), [("host", ["--network", "host"]), ("default", [])])
def test_a_container_has_the_network_that_the_user_gives_it(
    standins: Standins, pulsar2_folder: Path, monkeypatch: pytest.MonkeyPatch, network: str, option: list[str]
) -> None:
    state = standins("docker")
    monkeypatch.setenv("RECIPEBUILD_CONTAINER_NETWORK", network)
    build(pulsar2_folder, DOCKER, hardware="AX650", progress=silent)
    (call,) = calls(state, "run")
    assert [word for at, word in enumerate(call) if "--network" in call[max(0, at - 1) : at + 1]] == option


def test_a_network_that_there_is_not(standins: Standins, pulsar2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = standins("docker")
    monkeypatch.setenv("RECIPEBUILD_CONTAINER_NETWORK", "bridge-7")
    with pytest.raises(StepError, match="RECIPEBUILD_CONTAINER_NETWORK is bridge-7"):
        build(pulsar2_folder, DOCKER, hardware="AX650", progress=silent)
    assert not calls(state, "run")


FULL = Tool("docker", "pulsar2:7.0-patch1")
LICENCES = ".hasplm/installed/32434"


@pytest.fixture
def full(standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of a docker whose image is not lite; the user's home is ``tmp_path / "user"``."""
    state = standins("docker")
    monkeypatch.setenv("DOCKER_STANDIN_IMAGES", "pulsar2:7.0-patch1 pulsar2:5.1")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return state


def test_without_a_licence_file_a_build_ends_at_once(full: Path, pulsar2_folder: Path) -> None:
    with pytest.raises(MissingError, match=r"7.0-patch1 has no licence file \(\*\.v2c\)"):
        build(pulsar2_folder, FULL, hardware="AX650", progress=silent)
    assert not list(pulsar2_folder.rglob("*.axmodel"))
    build(pulsar2_folder, Tool("docker", "pulsar2:5.1"), hardware="AX650", progress=silent)  # needs none


def test_the_images_licence_file_is_put_in_its_place(full: Path, pulsar2_folder: Path) -> None:
    (full / "root").mkdir()
    (full / "root" / "image.v2c").write_text("licence")
    build(pulsar2_folder, FULL, hardware="AX650", progress=silent)
    assert (full / "home" / LICENCES / "image.v2c").read_text() == "licence"


def test_the_users_licence_file_is_shown_to_the_container_and_copied_nowhere_else(
    full: Path, pulsar2_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "user" / LICENCES).mkdir(parents=True)
    (tmp_path / "user" / LICENCES / "mine.v2c").write_text("mine")
    build(pulsar2_folder, FULL, hardware="AX650", progress=silent)
    (call,) = calls(full, "run")
    mount = f"type=bind,source={tmp_path}/user/{LICENCES},target=/licences,readonly"
    assert call[call.index("--mount") + 1] == mount
    assert (full / "home" / LICENCES / "mine.v2c").read_text() == "mine"
    assert not list(pulsar2_folder.rglob("*.v2c"))


def test_a_native_packages_licence_file_is_put_in_its_place(
    standins: Standins, pulsar2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins()
    package = tmp_path / "package"
    for name in ("bin", "install", "user"):
        (package / name).mkdir(parents=True)
    (package / "install" / "package.v2c").write_text("licence")
    standin = Path(__file__).parents[3] / "standins" / "pulsar2"
    (package / "bin" / "pulsar2").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{standin}" "$@"\n')
    (package / "bin" / "pulsar2").chmod(0o755)
    monkeypatch.setenv("PATH", f"{package / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    build(pulsar2_folder, NATIVE, hardware="AX650", progress=silent)
    assert (tmp_path / "user" / LICENCES / "package.v2c").read_text() == "licence"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("fail", ["", "operator"])
def test_files_of_the_containers_root_are_handed_back(
    standins: Standins, pulsar2_folder: Path, monkeypatch: pytest.MonkeyPatch, fail: str
) -> None:
    standins("docker")
    monkeypatch.setenv("DOCKER_STANDIN_OWNER", "12345")
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", fail)
    with pytest.raises(StepError) if fail else contextlib.nullcontext():
        build(pulsar2_folder, DOCKER, hardware="AX650", progress=silent)
    written = [*pulsar2_folder.rglob("*")]
    assert pulsar2_folder / "out" in written
    assert {path.stat().st_uid for path in written} == {os.getuid()}


BUILD = """
import json, signal, sys
from pathlib import Path
from recipebuild.toolkit.pulsar2.build import build
from recipebuild.toolkit.pulsar2.tool import Tool
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
tool = Tool(**json.loads(sys.argv[2]))
build(Path(sys.argv[1]), tool, hardware="AX650", progress=lambda fraction, text: None)
"""


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(("program", "parameters"), [("pulsar2", NATIVE), ("docker", DOCKER)])
def test_nothing_outlives_the_step(
    standins: Standins,
    pulsar2_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    parameters: Tool,
    ask: signal.Signals,
) -> None:
    """As the engine ends a step: a signal to the worker's process group."""
    state = standins(program)
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "hang")
    log = tmp_path / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-c", BUILD, str(pulsar2_folder), json.dumps(asdict(parameters))]
        worker = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    wait_for(lambda: b"tiling op" in log.read_bytes())
    tools = tools_in(pulsar2_folder)
    assert tools
    os.killpg(worker.pid, ask)
    assert worker.wait(20) == (143 if ask is signal.SIGTERM else -9)
    wait_for(lambda: not tools & tools_in(pulsar2_folder))
    if program == "docker":
        assert calls(state, "kill")
        wait_for(lambda: not running(state))


@pytest.mark.slow
def test_a_container_ends_when_the_steps_time_is_up(
    standins: Standins, pulsar2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = standins("docker")
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "hang")
    names = {"model": "model.onnx", "calibration": "calibration.tar", "config": "pulsar2.json"}
    step = Step(
        "r/compile", "compile", "recipebuild.steps.compile_pulsar2",
        {"hardware": "AX650", "runner": "docker", "image": "pulsar2:7.0-lite"},
        {name: Source(pulsar2_folder / file) for name, file in names.items()},
        timeout=20,
    )  # fmt: skip
    store = Store(tmp_path / "store")
    try:
        result = run_steps([step], store, jobs=1)["r/compile"]
    finally:
        store.close()
    assert result.error is not None
    assert result.error.message == "timed out after 20 s"
    assert calls(state, "run") and calls(state, "kill"), "had it begun?"
    wait_for(lambda: not running(state))


def tools_in(folder: Path) -> set[int]:
    """Processes that run the stand-in tool in ``folder``."""
    pids = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder and b"--target_hardware" in (process / "cmdline").read_bytes():
                pids.add(int(process.name))
    return pids


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
