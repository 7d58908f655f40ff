from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recipebuild.errors import RecipeError
from recipebuild.toolkit.board.boards import Board, add_board, find_board, load_boards, only_board, parse_host
from recipebuild.toolkit.board.ssh import command
from recipebuild.verbs.board import add as add_named


@pytest.fixture(autouse=True)
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("desk", (None, "desk", None)),
        ("root@192.168.1.20", ("root", "192.168.1.20", None)),
        ("me@board.lan:2222", ("me", "board.lan", 2222)),
        ("root@[fe80::1]:22", ("root", "fe80::1", 22)),
    ],
)
def test_hosts(text: str, parts: tuple[str | None, str, int | None]) -> None:
    board = parse_host(text)
    assert (board["user"], board["host"], board["port"]) == parts


@pytest.mark.parametrize("text", ["", "-oProxyCommand=touch x", "a b", "root@", "h:0", "h:70000", "h;reboot", "@h"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="no host"):
        parse_host(text)


def test_boards_are_kept_by_name() -> None:
    with pytest.raises(RecipeError, match="no board was added yet"):
        only_board()
    add_board("desk", Board(host="h", port=2222))
    assert only_board() == "desk"
    add_board("card", Board(host="c", program="axcl_run_model"))
    assert load_boards() == {"desk": Board(host="h", port=2222), "card": Board(host="c", program="axcl_run_model")}
    with pytest.raises(RecipeError, match="several") as caught:
        only_board()
    assert "--board card or --board desk" in caught.value.remedy
    with pytest.raises(RecipeError, match="no board shelf"):
        find_board("shelf")
    with pytest.raises(RecipeError, match="cannot be a board's name"):
        add_board("../x", Board(host="h"))


def test_a_card_among_several_has_an_index() -> None:
    card = Board(host="c", program="axcl_run_model", device=1)
    add_board("second", card)
    assert find_board("second") == card
    with pytest.raises(ValidationError, match="runs on its own chip"):
        Board(host="h", device=1)
    add: dict[str, Any] = {"chip": "AX650", "folder": "f", "ssh_config": None, "device": 1}
    with pytest.raises(RecipeError, match="--device 1: ax_run_model") as caught:
        add_named("desk", "h", program="ax_run_model", **add)
    assert "axcl_run_model" in caught.value.remedy
    add_named("other", "h", program="axcl_run_model", **add)
    assert find_board("other").device == 1


@pytest.mark.parametrize("text", ["[1]", "desk: {host: h, prot: 1}", "desk: [", "desk: {host: h, folder: 'a;b'}"])
def test_a_broken_file_of_boards_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "recipebuild").mkdir()
    (tmp_path / "recipebuild" / "boards.yaml").write_text(text)
    with pytest.raises(RecipeError, match=r"boards\.yaml is wrong"):
        load_boards()


def test_ssh_is_told_to_ask_nothing_and_to_check_host_keys() -> None:
    words = command(Board(host="h", user="me", port=2222), "true")
    assert words[-3:] == ["--", "h", "true"]
    for option in ("BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10"):
        assert words[words.index(option) - 1] == "-o"
    assert words[words.index("-p") + 1] == "2222" and words[words.index("-l") + 1] == "me"
