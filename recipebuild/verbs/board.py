"""``board``: the boards that models run on."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

from recipebuild.errors import RecipeError
from recipebuild.session import Options
from recipebuild.toolkit.board.boards import Board, add_board, find_board, load_boards, only_board, parse_host
from recipebuild.toolkit.board.book import note
from recipebuild.toolkit.board.doctor import Line, compiled_by, npu_mode
from recipebuild.toolkit.board.doctor import doctor as examine_board

__all__ = ["Line", "Options", "add", "doctor", "load_boards", "note", "on_board"]


def add(name: str, host: str, *, chip: str, program: str, device: int, folder: str, ssh_config: Path | None) -> Path:
    """Add a board, or change it; nothing is asked of it.

    Args:
        name: Its name here.
        host: ``USER@HOST[:PORT]``, or a Host of OpenSSH's configuration.
        chip: Its chip.
        program: What runs models there: ``ax_run_model`` or ``axcl_run_model``.
        device: Which of several cards, from 0.
        folder: Where models are put, from the login's home.
        ssh_config: Another OpenSSH configuration than the user's.

    Returns:
        The file that boards are written in.

    Raises:
        RecipeError: If a value is wrong, or the file cannot be written.
    """
    from pydantic import ValidationError

    config = str(ssh_config.resolve()) if ssh_config else None
    if device and program != "axcl_run_model":
        raise RecipeError(
            f"--device {device}: {program} runs on its own chip", remedy="add --program axcl_run_model for cards"
        )
    values = {
        **parse_host(host), "chip": chip, "program": program, "device": device, "folder": folder, "ssh_config": config
    }  # fmt: skip
    try:
        board = Board.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"--folder {folder!r} is no folder's name", remedy="letters, digits and ._-/") from error
    return add_board(name, board)


def doctor(name: str, bundle: Path | None = None) -> list[Line]:
    """Look at a board; with a bundle, also at what that needs there.

    Raises:
        RecipeError: If there is no board of that name.
    """
    if bundle is None:
        return examine_board(find_board(name))
    return examine_board(find_board(name), compiled_by(bundle), npu_mode(bundle))


def on_board(options: Options, board: str | None, *, again: bool) -> Options:
    """The options with which ``run`` deploys to a board, too.

    Args:
        options: How to build.
        board: The board's name; ``None`` for the only one that was added.
        again: Measure anew, though nothing changed.

    Raises:
        RecipeError: If it is not clear which board.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat()
    return replace(options, board=board or only_board(), again=now if again else None)
