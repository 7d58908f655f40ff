from __future__ import annotations

import pytest
from support.sshd import Sshd

from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.doctor import doctor, lines

ANSWER = """\
version: Ax_Version V3.6.2_20250731140456
chip: AX650N_CHIP
cmm: total size=10485760KB(10240MB),used=283228KB(276MB + 604KB),remain=10202532KB(9963MB + 420KB),block_number=41
disk: 5000000
has: ax_run_model
has: ax_segformer
pyaxengine: 0.1.3
"""
HERE = Board(host="h")


def states(text: str, board: Board = HERE) -> dict[str, str]:
    return {line.what: line.state for line in lines(text, board)}


def test_a_board_that_is_well() -> None:
    found = {line.what: line for line in lines(ANSWER, HERE, compiled_by="pulsar2 7.0")}
    assert {line.state for line in found.values()} == {"ok"}
    assert found["driver"].found == "V3.6.2_20250731140456 on AX650N_CHIP"
    assert "pulsar2 7.0" in found["model"].found and "V3.6.2" in found["model"].found
    assert found["CMM memory"].found == "9963 MiB free of 10240"
    assert found["samples"].found == "ax_segformer"


def test_a_model_for_the_host_does_not_run_there() -> None:
    found = {line.what: line for line in lines(ANSWER, HERE, compiled_by="onnxruntime 1.32.0")}
    assert found["model"].state == "fail" and "pulsar2" in found["model"].remedy


@pytest.mark.parametrize(
    ("old", "new", "what", "state"),
    [
        ("version: Ax_Version V3.6.2_20250731140456", "version: ", "driver", "fail"),
        ("AX650N_CHIP", "AX620E_CHIP", "driver", "warn"),
        ("remain=10202532KB", "remain=20000KB", "CMM memory", "warn"),
        ("cmm: ", "cmm: nothing ", "CMM memory", "ok"),
        ("total size=", "size=", "CMM memory", "warn"),
        ("disk: 5000000", "disk: 100", "disk", "warn"),
        ("has: ax_run_model\n", "", "ax_run_model", "fail"),
        ("has: ax_segformer\n", "", "samples", "warn"),
        ("pyaxengine: 0.1.3\n", "", "pyaxengine", "warn"),
        ("disk:", "lacks: flock\ndisk:", "tools", "fail"),
    ],
)
def test_each_fault_is_told(old: str, new: str, what: str, state: str) -> None:
    found = states(ANSWER.replace(old, new))
    assert found[what] == state
    assert all(line.remedy for line in lines(ANSWER.replace(old, new), HERE) if line.state != "ok")


@pytest.mark.parametrize(
    ("named", "reported", "state"),
    [("AX630C", "AX620Q", "ok"), ("AX620E", "AX630C", "ok"), ("AX8850", "AX650N", "ok"), ("AX637", "AX650N", "warn")],
)
def test_a_board_may_be_named_as_any_chip_that_runs_the_same_models(named: str, reported: str, state: str) -> None:
    assert states(ANSWER.replace("AX650N", reported), Board(host="h", chip=named))["driver"] == state


def test_a_real_connection_is_looked_through(board: Board) -> None:
    found = {line.what: line for line in doctor(board)}
    assert found["connection"].state == "ok"
    assert found["ax_run_model"].state == "ok" and "ax_segformer" in found["samples"].found
    assert found["driver"].state == "fail"  # loopback has no NPU


def test_a_board_that_is_not_there_is_one_line(board: Board, sshd: Sshd) -> None:
    (line,) = doctor(board.model_copy(update={"port": 9}))
    assert line.state == "fail" and "ssh" in line.remedy
