"""What the board's program is called with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

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


def called(device: int = 0, group: int = 0) -> list[str]:
    """What a card's program was called with."""
    calls: list[list[str]] = []

    def run(arguments: list[str], timeout: float) -> tuple[int, str]:
        calls.append(arguments)
        return 0, PRINTED

    board: Any = SimpleNamespace(board=Board(host="h", program="axcl_run_model", device=device), run=run)
    assert speed(cast(BoardSession, board), "m.axmodel", Repeats(2, 1), group).avg == 7.662
    (arguments,) = calls
    return arguments


def test_the_first_card_and_the_first_shape_are_the_programs_own_defaults() -> None:
    assert called() == ["axcl_run_model", "-m", "m.axmodel", "-w", "1", "-r", "2"]


def test_a_card_and_a_group_of_shapes_are_named() -> None:
    assert called(device=2)[3:5] == ["-d", "2"]
    assert called(group=1)[-2:] == ["-g", "1"]
