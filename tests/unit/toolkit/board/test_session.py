"""Sessions with a board over a real SSH connection: what fails, what is left behind, who has the lock."""

from __future__ import annotations

import itertools
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support.sshd import Sshd

from recipebuild.errors import MissingError, StepError
from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.session import BoardSession, on_board


def test_files_go_there_and_back(board: Board, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(range(256)) * 4000)
    with BoardSession(board) as session:
        session.put({"a b/ü.bin": b"123", "big": tmp_path / "big"}, "x")
        assert session.get("x", 10) == {"a b/ü.bin": b"123", "big": (tmp_path / "big").read_bytes()}
        status, text = session.run(["sh", "-c", 'echo "$1"; exit 3', "sh", "it's; $HOME"], 10)
        assert (status, text) == (3, "it's; $HOME")
    assert sshd.left() == []


def test_no_run_has_the_board_while_another_has_it(board: Board, sshd: Sshd) -> None:
    waiting: list[str] = []
    spans = []

    def run() -> None:
        with BoardSession(board, on_wait=waiting.append) as session:
            began = time.monotonic()
            session.run(["sleep", "1"], 10)
            spans.append((began, time.monotonic()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join()
    spans.sort()
    assert len(spans) == 3
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    assert len(waiting) == 2 and all("process" in who for who in waiting)
    assert sshd.left() == []


def test_a_board_that_stays_busy_is_an_error_that_ends(board: Board) -> None:
    with BoardSession(board), pytest.raises(MissingError, match="busy"), BoardSession(board, wait=1):
        pass


@pytest.mark.parametrize("many", [12, pytest.param(50, marks=pytest.mark.slow)])
def test_dropped_connections_in_a_row_leave_nothing(board: Board, sshd: Sshd, tmp_path: Path, many: int) -> None:
    (tmp_path / "big").write_bytes(bytes(3_000_000))
    dropped: list[int] = []

    def drop() -> None:
        dropped.append(sshd.drop())

    while sum(dropped) < many:
        doing = len(dropped) % 3
        with pytest.raises(ConnectionError), BoardSession(board) as session:
            cut = threading.Timer(0.02 * (len(dropped) % 7), drop)
            if doing == 0:
                cut.start()
                session.run(["sleep", "30"], 60)
            elif doing == 1:
                cut.start()
                while True:
                    session.put({"big": tmp_path / "big"}, "../../models/m")
            else:
                session.put({"small": b"1"}, ".")
                drop()
                session.get(".", 10)
        cut.cancel()
    assert sshd.left_after(60) == []
    assert {path.stat().st_size for path in sshd.folder.glob("models/m/*")} <= {3_000_000}
    with BoardSession(board, wait=60):
        pass


def test_what_failed_because_the_connection_was_cut_is_no_failure_of_the_board_however_late_that_is_noticed(
    board: Board, sshd: Sshd
) -> None:
    """On a busy machine the holder's ssh may see the end of its connection long after the board has cleaned up."""
    with pytest.raises(ConnectionError), BoardSession(board) as session:
        assert session._holder is not None
        session._holder.send_signal(signal.SIGSTOP)
        later = threading.Timer(1, session._holder.send_signal, [signal.SIGCONT])
        later.start()
        sshd.drop()
        session.run(["true"], 10)  # its folder is swept away, or will be
        session.run(["false"], 10)
    later.join()
    assert sshd.left_after(60) == []


def test_work_goes_on_where_the_connection_broke(board: Board, sshd: Sshd) -> None:
    done: list[int] = []

    def work(session: BoardSession) -> str:
        while len(done) < 4:
            if len(done) == 2 and not dropped:
                dropped.append(sshd.drop())
            session.shell("true", "nothing")
            done.append(1)
        return "all"

    dropped: list[int] = []
    assert on_board(board, work, pause=0.05) == "all"
    assert len(done) == 4 and dropped
    assert sshd.left_after(60) == []


def test_a_board_that_goes_down_in_the_middle_is_a_clear_error(board: Board, sshd: Sshd) -> None:
    def work(session: BoardSession) -> None:
        sshd.stop()
        session.shell("true", "nothing")

    with pytest.raises(MissingError, match="broke") as caught:
        on_board(board, work, pause=0.01)
    assert "rebooted" in caught.value.remedy


def test_what_the_dead_left_is_swept_by_the_next(board: Board, sshd: Sshd) -> None:
    (sshd.folder / "runs" / "dead").mkdir(parents=True)
    still = subprocess.Popen(["sleep", "60"], cwd=sshd.folder / "runs" / "dead")
    with BoardSession(board):
        assert not (sshd.folder / "runs" / "dead").exists()
    assert still.wait(5) == -9
    assert sshd.left() == []


def test_a_process_of_somebody_else_is_left_alone(board: Board, sshd: Sshd) -> None:
    (sshd.folder / "models").mkdir(parents=True, exist_ok=True)
    other = subprocess.Popen(["sleep", "60"], cwd=sshd.folder / "models")
    with BoardSession(board):
        assert other.poll() is None
    other.kill()
    other.wait()


def test_a_program_that_hangs_is_given_up_and_ended(board: Board, sshd: Sshd) -> None:
    with pytest.raises(StepError, match="did not answer within 1 s"), BoardSession(board) as session:
        session.run(["sleep", "60"], 1)
    assert sshd.left_after(60) == []


@pytest.mark.parametrize("limit", ["size=200k", "nr_inodes=5"])  # while copying, and from the beginning
def test_a_full_disk_is_named(board: Board, sshd: Sshd, tmp_path: Path, limit: str) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", limit, "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        full = board.model_copy(update={"folder": str(place / "x")})
        with pytest.raises(StepError, match="is full") as caught, BoardSession(full) as session:
            session.put({"big": bytes(1_000_000)}, "../../models/m")
        assert str(place) in caught.value.remedy
        assert not list((place / "x" / "runs").iterdir()) and not list((place / "x").glob("models/m/*"))
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "nowhere.invalid"}, "cannot be reached"),
        ({"port": 9}, "cannot be reached"),
    ],
)
def test_a_board_that_is_not_there(board: Board, change: dict[str, object], words: str) -> None:
    with pytest.raises(MissingError, match=words) as caught, BoardSession(board.model_copy(update=change)):
        pass
    assert "ssh" in caught.value.remedy


def test_a_key_that_the_board_does_not_know_is_refused_and_no_password_is_asked(board: Board, sshd: Sshd) -> None:
    config = sshd.place / "other_config"
    config.write_text(sshd.config.read_text().replace(f"{sshd.place}/user", f"{sshd.place}/other"))
    began = time.monotonic()
    with (
        pytest.raises(MissingError, match="refuses the login") as caught,
        BoardSession(board.model_copy(update={"ssh_config": str(config)})),
    ):
        pass
    assert time.monotonic() - began < 20
    assert "ssh-copy-id" in caught.value.remedy


@pytest.mark.parametrize("known", ["", "[127.0.0.1]:{port} ssh-ed25519 {other}\n"])
def test_a_host_key_that_is_not_known_or_another_is_refused(board: Board, sshd: Sshd, known: str) -> None:
    other = (sshd.place / "other.pub").read_text().split()[1]
    (sshd.place / "known2").write_text(known.format(port=sshd.port, other=other))
    config = sshd.place / "strange_config"
    config.write_text(sshd.config.read_text().replace(f"{sshd.place}/known", f"{sshd.place}/known2"))
    with (
        pytest.raises(MissingError, match="host key") as caught,
        BoardSession(board.model_copy(update={"ssh_config": str(config)})),
    ):
        pass
    assert "by hand" in caught.value.remedy


def test_without_ssh_the_error_says_so(board: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="ssh is not installed"), BoardSession(board):
        pass
