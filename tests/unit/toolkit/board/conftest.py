"""A board behind a real OpenSSH server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.sshd import MISSING, SSHD, Sshd

from recipebuild.toolkit.board.boards import Board


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if SSHD is None:
        pytest.skip(MISSING)
    server = Sshd(tmp_path_factory.mktemp("board"))
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sshd(server: Sshd) -> Iterator[Sshd]:
    """The server, well again after each test."""
    yield server
    server.fail("")
    if server.process is None:
        server.configure()
        server.start()


@pytest.fixture
def board(sshd: Sshd) -> Board:
    return Board(host="board", folder=str(sshd.folder), ssh_config=str(sshd.config))
