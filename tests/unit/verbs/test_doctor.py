"""``recipebuild doctor``: what is there, what is missing, and the command that helps."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.inprocess import run

from recipebuild.toolkit.board.doctor import Line
from recipebuild.verbs.doctor import boards, doctor
from recipebuild.verbs.health import packages, places, tools
from recipebuild.verbs.health.hub import hub

Standins = Callable[..., Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of our own, and no hub."""
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """A hub that answers everything with one status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_all_is_looked_at_and_each_fault_comes_with_what_helps() -> None:
    lines = doctor()
    seen = [line.what for line in lines]
    for what in ("Python", "packages", "torch", "Pulsar2", "containers", "hub", "store", "machine", "GPU", "boards"):
        assert what in seen
    assert all(line.remedy for line in lines if line.state != "ok")
    assert not [line for line in lines if line.state == "fail"], "this very environment can build"


def test_the_command_ends_with_4_only_if_run_cannot_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, ["doctor"])
    assert result.code == 0, result.out
    assert "ok    Python: 3." in result.out and "warn  hub: HF_ENDPOINT: 127.0.0.1:9 cannot be reached" in result.out
    result = run(monkeypatch, ["doctor", "--json", "--store", "/proc/nowhere"])
    assert result.code == 4
    (store,) = [line for line in json.loads(result.out) if line["what"] == "store"]
    assert store["state"] == "fail" and "--store DIR" in store["remedy"]


def test_an_old_python_fails() -> None:
    assert packages.python((3, 10, 4)).state == "fail"
    assert packages.python((3, 12, 0)).state == "ok"


@pytest.mark.parametrize(
    ("changed", "state", "words"),
    [
        ({}, "ok", "in the tested versions"),
        ({"torch": None, "onnx": None}, "fail", "not installed: onnx, torch"),
        ({"onnxruntime": "1.3.0"}, "fail", "too old: onnxruntime 1.3.0"),
        ({"transformers": "7.0.1"}, "warn", "transformers 7.0.1 (tests: "),
    ],
)
def test_packages(changed: dict[str, str | None], state: str, words: str) -> None:
    tested = packages.tested_versions()

    def have(name: str) -> str | None:
        return changed[name] if name in changed else tested[name.lower().replace("_", "-")]

    (line,) = packages.packages(have)
    assert line.state == state and words in line.found
    assert state == "ok" or "pip install '.[build]'" in line.remedy


def test_onnx_runtime_for_gpus_stands_for_the_other() -> None:
    tested = packages.tested_versions()
    here = {"onnxruntime": None, "onnxruntime-gpu": "1.23.0"}
    (line,) = packages.packages(lambda name: here[name] if name in here else tested[name.lower().replace("_", "-")])
    assert line.state == "ok"


def test_a_gpu_that_onnx_runtime_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    line = tools.gpu(["NVIDIA H100"])
    assert (
        line.found
        == "NVIDIA H100; not for --device cuda: ONNX Runtime is built without it (pip install '.[gpu]' in a checkout)"
    )
    assert "--device cuda would use it" in tools.gpu([]).found


def test_a_cuda_build_without_a_gpu_is_worth_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Torch:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(packages, "distribution", lambda name: Torch())
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "version.py").write_text("cuda: Optional[str] = '12.8'\n")
    line = packages.torch(have_gpu=False)
    assert line and line.state == "warn" and "CUDA 12.8" in line.found and "whl/cpu" in line.remedy
    line = packages.torch(have_gpu=True)
    assert line and line.state == "ok"
    (tmp_path / "torch" / "version.py").write_text("cuda: Optional[str] = None\n")
    line = packages.torch(have_gpu=False)
    assert line and "CPU only" in line.found


def test_pulsar2_natively_and_in_docker(standins: Standins, home: Path) -> None:
    standins()
    (line,) = tools.pulsar2()
    assert line.state == "warn" and "docker load -i" in line.remedy
    standins("docker")
    (line,) = tools.pulsar2()
    assert line.state == "ok" and "pulsar2:" in line.found and "docker" in line.found
    assert tools.containers().state == "ok"
    standins("pulsar2")
    line, licence = tools.pulsar2()
    assert line.state == "ok" and "programs/pulsar2" in line.found and "also pulsar2:" in line.found
    assert licence.state == "warn" and "no licence file (*.v2c)" in licence.found and ".hasplm" in licence.remedy
    folder = home / ".hasplm" / "installed" / "32434"
    folder.mkdir(parents=True)
    (folder / "mine.v2c").touch()
    assert len(list(tools.pulsar2())) == 1


def test_a_pulsar2_that_does_not_answer_is_told(standins: Standins, tmp_path: Path) -> None:
    standins()
    broken = tmp_path / "programs" / "pulsar2"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    (line,) = tools.pulsar2()
    assert line.state == "warn" and f"{broken} does not answer" in line.found


def test_an_engine_whose_daemon_is_dead(standins: Standins, tmp_path: Path) -> None:
    standins()
    dead = tmp_path / "programs" / "docker"
    dead.write_text("#!/bin/sh\nexit 1\n")
    dead.chmod(0o755)
    line = tools.containers()
    assert line.state == "warn" and "systemctl start docker" in line.remedy


@pytest.mark.parametrize(
    ("endpoint", "state"), [(200, "ok"), (401, "ok"), (404, "ok"), (503, "warn")], indirect=["endpoint"]
)
def test_the_hub_that_answers(endpoint: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    line = hub()
    assert line.state == state and "HF_ENDPOINT" in line.found


def test_the_hub_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    line = hub()
    assert line.state == "warn" and "Connection refused" in line.found and "HF_ENDPOINT" in line.remedy
    monkeypatch.setenv("HF_ENDPOINT", "http://user:secret@127.0.0.1:9")
    assert "secret" not in hub().found
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    assert "no address" in hub().found
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub() == Line(
        "hub", "warn", "HF_HUB_OFFLINE is set: models come from the cache only", "unset HF_HUB_OFFLINE"
    )


def test_the_store(tmp_path: Path) -> None:
    line = places.store(tmp_path / "store")
    assert line.state in ("ok", "warn") and "/s" in line.found
    assert not list((tmp_path / "store").iterdir()), "the probe is gone"


def test_boards_of_the_book(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = boards()
    assert line.state == "ok" and "board add" in line.found
    assert run(monkeypatch, ["board", "add", "desk", "--host", "root@127.0.0.1:9"]).code == 0
    (line,) = boards()
    assert line == Line("board desk", "warn", line.found, "recipebuild board doctor desk")
    assert "connection" in line.found


def test_the_toolchain_is_asked_for_its_proto_where_that_is_wanted(
    standins: Standins, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins("pulsar2")
    done = run(monkeypatch, ["doctor", "--toolchain"])
    assert "Pulsar2's proto: kept for check in " in done.out
    assert [path.suffix for path in (home / ".cache" / "recipebuild" / "toolchains").iterdir()] == [".json"]


def test_without_a_toolchain_there_is_nothing_to_ask(standins: Standins) -> None:
    standins()
    line = tools.proto(Path("unused"))
    assert (line.state, line.found) == ("fail", "no Pulsar2 on this machine to ask")
