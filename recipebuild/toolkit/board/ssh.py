"""Commands on a board, through the user's own OpenSSH: configuration, keys, agent, jump hosts, known hosts.

Nothing is ever asked (BatchMode), and a host key that is not known is an error. A connection that breaks raises
``ConnectionError``, for the caller to try again; all else is an error with a remedy.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from recipebuild.errors import MissingError, StepError
from recipebuild.toolkit.board.boards import Board

OPTIONS = (
    "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3",
    "ForwardX11=no", "ForwardAgent=no", "RequestTTY=no", "LogLevel=ERROR",
)  # fmt: skip

_BROKEN = 255
"""The status with which ``ssh`` ends when it is the connection that failed, and not the command."""

_REFUSALS = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known",
        "its host key is not the known one, or is not known yet",
        "look whether it is the right machine, and connect once by hand: ssh {target}",
    ),
    (
        r"Permission denied|Too many authentication failures",
        "it refuses the login; passwords are never asked for",
        "give it your key: ssh-copy-id {target}; or add the key to your agent: ssh-add",
    ),
    (
        r"Could not resolve hostname|Connection refused|timed out|No route to host|Network is unreachable|Host is down",
        "it cannot be reached",
        "look whether it is on and in the network, and whether this works: ssh {target} true",
    ),
    (
        r"Bad configuration option|no argument after keyword|Can't open user config file|percent_expand",
        "the OpenSSH configuration is wrong",
        "look whether this works: ssh {target} true",
    ),
)  # fmt: skip

_FULL = re.compile(r"No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes")
"""What cat, mkdir and tar say when the disk is full."""


@dataclass(frozen=True)
class CommandResult:
    """What a command on the board came to: its status, and what it printed."""

    status: int
    out: bytes
    err: str


def command(board: Board, script: str) -> list[str]:
    """The local command that has the board's shell run ``script``."""
    words = ["ssh", "-T"]
    if board.ssh_config:
        words += ["-F", board.ssh_config]
    for option in OPTIONS:
        words += ["-o", option]
    if board.port:
        words += ["-p", str(board.port)]
    if board.user:
        words += ["-l", board.user]
    return [*words, "--", board.host, script]


def run(board: Board, script: str, *, timeout: float, stdin: IO[bytes] | None = None) -> CommandResult:
    """Run a shell script on the board.

    Args:
        board: The board.
        script: For its login shell; quote what goes into it with ``quote``.
        timeout: Seconds after which it is given up.
        stdin: A file that the script reads.

    Raises:
        ConnectionError: If the connection broke.
        MissingError: If the board cannot be reached, or refuses.
        StepError: If the script did not end in time.
    """
    try:
        done = subprocess.run(
            command(board, script), stdin=stdin or subprocess.DEVNULL, capture_output=True, check=False, timeout=timeout
        )
    except FileNotFoundError as error:
        raise MissingError("ssh is not installed", remedy="install OpenSSH's client (openssh-client)") from error
    except subprocess.TimeoutExpired as error:
        raise StepError(
            f"the board {board.host} did not answer within {timeout:g} s",
            remedy="check what runs there; a model may have hung the NPU, and then only a reboot of the board helps",
        ) from error
    err = done.stderr.decode(errors="replace").strip()
    if done.returncode == _BROKEN:
        raise broken(board, err)
    return CommandResult(done.returncode, done.stdout, err)


def broken(board: Board, err: str) -> MissingError | ConnectionError:
    """What ssh's own words mean: a refusal, or a connection that broke."""
    target = f"{board.user}@{board.host}" if board.user else board.host
    if board.port:
        target = f"-p {board.port} {target}"
    if board.ssh_config:
        target = f"-F {board.ssh_config} {target}"
    last = next((line.strip() for line in reversed(err.splitlines()) if line.strip()), "")
    for pattern, meaning, remedy in _REFUSALS:
        if re.search(pattern, err):
            return MissingError(f"the board {board.host}: {meaning} ({last})", remedy=remedy.format(target=target))
    return ConnectionError(last or "the connection broke")


def checked(board: Board, done: CommandResult, what: str) -> bytes:
    """What a command printed, if it succeeded.

    Raises:
        MissingError: If the board has no such program.
        StepError: If its disk is full, or the command failed for another reason.
    """
    if not done.status:
        return done.out
    last = next((line.strip() for line in reversed(done.err.splitlines()) if line.strip()), f"status {done.status}")
    if _FULL.search(done.err):
        raise StepError(
            f"the board {board.host} is full: {what} ({last})",
            remedy=f"make room on the disk that holds {board.folder}",
        )
    if done.status in (126, 127):
        raise MissingError(f"the board {board.host} has no program for it: {what} ({last})", remedy="install it there")
    raise StepError(f"the board {board.host}: {what} failed: {last}")


def quote(words: Sequence[str | Path]) -> str:
    """Words as the board's shell takes them, whatever is in them."""
    return shlex.join(map(str, words))
