from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.sshd import Sshd

from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.doctor import _SCRIPT, doctor, lines

ANSWER = """\
version: Ax_Version V3.6.2_20250731140456
chip: AX650N_CHIP
cmm: total size=10485760KB(10240MB),used=283228KB(276MB + 604KB),remain=10202532KB(9963MB + 420KB),block_number=41
disk: 5000000
root: 400000
cma: 100000 131072
files: 1024
vnpu: DISABLED
has: ax_run_model
has: ax_segformer
pyaxengine: 0.1.3
"""
HERE = Board(host="h")


def states(text: str, board: Board = HERE) -> dict[str, str]:
    return {line.what: line.state for line in lines(text, board)}


def test_a_board_that_is_well() -> None:
    by_name = {line.what: line for line in lines(ANSWER, HERE, compiled_by="pulsar2 7.0")}
    assert {line.state for line in by_name.values()} == {"ok"}
    assert by_name["driver"].found == "V3.6.2_20250731140456 on AX650N_CHIP"
    assert "pulsar2 7.0" in by_name["model"].found and "V3.6.2" in by_name["model"].found
    assert by_name["CMM memory"].found == "9963 MiB free of 10240"
    assert by_name["samples"].found == "ax_segformer"


def test_a_model_for_the_host_does_not_run_there() -> None:
    by_name = {line.what: line for line in lines(ANSWER, HERE, compiled_by="onnxruntime 1.32.0")}
    assert by_name["model"].state == "fail" and "pulsar2" in by_name["model"].remedy


@pytest.mark.parametrize(
    ("old", "new", "what", "state"),
    [
        ("version: Ax_Version V3.6.2_20250731140456", "version: ", "driver", "fail"),
        ("AX650N_CHIP", "AX620E_CHIP", "driver", "warn"),
        ("remain=10202532KB", "remain=20000KB", "CMM memory", "warn"),
        ("cmm: ", "cmm: nothing ", "CMM memory", "ok"),
        ("total size=", "size=", "CMM memory", "warn"),
        ("disk: 5000000", "disk: 100", "disk", "warn"),
        ("root: 400000", "root: 0", "root partition", "warn"),
        ("cma: 100000", "cma: 9000", "CMA memory", "warn"),
        ("files: 1024", "files: 256", "open files", "warn"),
        ("files: 1024", "files: unlimited", "open files", "ok"),
        ("vnpu: DISABLED", "vnpu: ENABLED", "virtual NPU", "warn"),
        ("vnpu: DISABLED", "vnpu: BIG_LITTLE", "virtual NPU", "warn"),
        ("has: ax_run_model\n", "", "ax_run_model", "fail"),
        ("has: ax_segformer\n", "", "samples", "warn"),
        ("pyaxengine: 0.1.3\n", "", "pyaxengine", "warn"),
        ("disk:", "lacks: flock\ndisk:", "tools", "fail"),
    ],
)
def test_each_fault_is_told(old: str, new: str, what: str, state: str) -> None:
    after = states(ANSWER.replace(old, new))
    assert after[what] == state
    assert all(line.remedy for line in lines(ANSWER.replace(old, new), HERE) if line.state != "ok")


@pytest.mark.parametrize(
    ("named", "reported", "state"),
    [("AX630C", "AX620Q", "ok"), ("AX620E", "AX630C", "ok"), ("AX8850", "AX650N", "ok"), ("AX637", "AX650N", "warn")],
)
def test_a_board_may_be_named_as_any_chip_that_runs_the_same_models(named: str, reported: str, state: str) -> None:
    assert states(ANSWER.replace("AX650N", reported), Board(host="h", chip=named))["driver"] == state


@pytest.mark.parametrize(
    ("mode", "npu_mode", "state"),
    [
        ("DISABLED", "NPU3", "ok"),
        ("ENABLED", "NPU1", "warn"),
        ("ENABLED", "NPU2", "fail"),
        ("ENABLED", "NPU3", "fail"),
        ("BIG_LITTLE", "NPU2", "warn"),
        ("LITTLE_BIG", "NPU3", "fail"),
    ],
)
def test_a_model_that_the_virtual_npu_refuses_is_foretold(mode: str, npu_mode: str, state: str) -> None:
    (line,) = (
        line
        for line in lines(ANSWER.replace("DISABLED", mode), HERE, "pulsar2 7.0", npu_mode)
        if line.what == "virtual NPU"
    )
    assert line.state == state
    assert ("STD" in line.found) == (mode == "ENABLED")


def test_the_virtual_npus_mode_is_read_from_what_pyaxengine_prints(tmp_path: Path) -> None:
    module = "import sys; print('[INFO] VNPU type: VNPUType.ENABLED', file=sys.stderr); __version__ = '0.1.3'"
    (tmp_path / "axengine.py").write_text(module)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(["sh", "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert "\nvnpu: ENABLED\npyaxengine: 0.1.3\n" in done.stdout
    by_name = {line.what: line for line in lines(done.stdout, HERE)}
    assert by_name["virtual NPU"].found.startswith("STD") and by_name["pyaxengine"].found == "0.1.3"


def test_what_the_board_does_not_tell_has_no_line() -> None:
    old = "\n".join(line for line in ANSWER.splitlines() if line[:4] not in ("root", "cma:", "file", "vnpu"))
    assert not {"root partition", "CMA memory", "open files", "virtual NPU"} & set(states(old))
    assert "CMA memory" not in states(ANSWER.replace("cma: 100000 131072", "cma: 0 0"))


def test_a_real_connection_is_looked_through(board: Board) -> None:
    by_name = {line.what: line for line in doctor(board)}
    assert by_name["connection"].state == "ok"
    assert by_name["ax_run_model"].state == "ok" and "ax_segformer" in by_name["samples"].found
    assert by_name["driver"].state == "fail"  # loopback has no NPU
    assert by_name["root partition"].found.endswith("MiB free") and "open files" in by_name


def test_a_board_that_is_not_there_is_one_line(board: Board, sshd: Sshd) -> None:
    (line,) = doctor(board.model_copy(update={"port": 9}))
    assert line.state == "fail" and "ssh" in line.remedy
