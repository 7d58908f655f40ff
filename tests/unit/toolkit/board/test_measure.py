"""What the board's program is called with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.measure import Repeats, speed
from recipebuild.toolkit.board.session import BoardSession

PRINTED = """\
Run AxModel:
       type: 3 Core
       vnpu: Disable
pulsar2 ver: 7.0 5ca1ab1e
   cmm size: 12730188 Bytes
min =   7.658 ms   max =   7.672 ms   avg =   7.662 ms
"""


@pytest.mark.parametrize(("device", "words"), [(0, []), (2, ["-d", "2"])])
def test_the_first_card_is_the_programs_own_default(device: int, words: list[str]) -> None:
    called: list[list[str]] = []

    def run(arguments: list[str], timeout: float) -> tuple[int, str]:
        called.append(arguments)
        return 0, PRINTED

    board: Any = SimpleNamespace(board=Board(host="h", program="axcl_run_model", device=device), run=run)
    assert speed(cast(BoardSession, board), "m.axmodel", Repeats(2, 1)).avg == 7.662
    assert called == [["axcl_run_model", "-m", "m.axmodel", *words, "-w", "1", "-r", "2"]]
