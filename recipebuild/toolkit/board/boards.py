"""The user's boards, by name: ``$XDG_CONFIG_HOME/recipebuild/boards.yaml`` (``~/.config/recipebuild/boards.yaml``)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recipebuild.errors import RecipeError
from recipebuild.files import write_text

_HOST = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?"
    r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_FOLDER = r"^[A-Za-z0-9_./-]+$"


class Board(BaseModel):
    """How a board is reached.

    Attributes:
        host: What ``ssh`` is told: a host name, an address, or a Host of the user's OpenSSH configuration.
        user: The login there; by default what the OpenSSH configuration says.
        port: Likewise.
        chip: What is on it.
        program: What runs models there: ``axcl_run_model`` for PCIe and M.2 cards.
        device: Which of several cards or chips, from 0, as ``axcl_run_model --device`` counts them.
        folder: Where models are put, from the login's home.
        ssh_config: Another OpenSSH configuration than the user's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    user: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    chip: str = "AX650"
    program: Literal["ax_run_model", "axcl_run_model"] = "ax_run_model"
    device: Annotated[int, Field(ge=0)] = 0
    folder: Annotated[str, Field(pattern=_FOLDER)] = ".cache/recipebuild"
    ssh_config: str | None = None

    @model_validator(mode="after")
    def _has_cards(self) -> Self:
        if self.device and self.program != "axcl_run_model":
            raise ValueError("ax_run_model runs on its own chip; a device is one of axcl_run_model's")
        return self


def parse_host(text: str) -> dict[str, str | int | None]:
    """``user@host:port`` in its parts; user and port may be missing.

    Raises:
        RecipeError: If it is not of this form.
    """
    match = _HOST.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 22) < 65536:
        raise RecipeError(f"{text!r} is no host", remedy="user@host, user@host:port, or a Host of your ~/.ssh/config")
    return {"user": match["user"], "host": match["host"].strip("[]"), "port": int(match["port"] or 0) or None}


def load_boards() -> dict[str, Board]:
    """All boards, by name; empty without a file.

    Raises:
        RecipeError: If the file is wrong.
    """
    path = _file()
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {str(name): Board.model_validate(row) for name, row in table.items()}
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, ValidationError, AttributeError) as error:
        what = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"{path} is wrong: {what}", remedy="correct it, or remove it and add the boards again"
        ) from None


def find_board(name: str) -> Board:
    """The board ``name``.

    Raises:
        RecipeError: If there is none.
    """
    boards = load_boards()
    if name not in boards:
        known = f"known boards: {', '.join(sorted(boards))}" if boards else "no board was added yet"
        raise RecipeError(f"there is no board {name}", remedy=f"{known}\nrecipebuild board add {name} --host user@host")
    return boards[name]


def only_board() -> str:
    """The name of the only board.

    Raises:
        RecipeError: If there is none, or more than one.
    """
    boards = load_boards()
    if len(boards) != 1:
        known = "recipebuild board add NAME --host USER@HOST"
        known = f"say --board {' or --board '.join(sorted(boards))}" if boards else known
        raise RecipeError("which board? there are several" if boards else "no board was added yet", remedy=known)
    return next(iter(boards))


def add_board(name: str, board: Board) -> Path:
    """Add a board, or change the one of that name; the file that it is in.

    Raises:
        RecipeError: If the name is none, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise RecipeError(f"{name!r} cannot be a board's name", remedy="letters, digits, `_` and `-`")
    boards = {**load_boards(), name: board}
    rows = {key: entry.model_dump(exclude_none=True, exclude_defaults=True) for key, entry in sorted(boards.items())}
    path = _file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, yaml.safe_dump(rows, sort_keys=False))
    except OSError as error:
        raise RecipeError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _file() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "recipebuild" / "boards.yaml"
