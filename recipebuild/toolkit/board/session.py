"""The board for ourselves: a lock there, a folder for this run, and nothing left behind.

A holder, a shell on the board, takes the lock and waits for its input to end. It ends when we are done, when we die and
when the connection drops; then it ends what still runs and removes the run's folder, by itself, without us. So a lock
is never stale, two runs never measure at once, and no file stays.
"""

from __future__ import annotations

import contextlib
import getpass
import io
import os
import secrets
import selectors
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TypeVar

from recipebuild.errors import MissingError, StepError
from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.ssh import CommandResult, broken, checked, command, quote, run

T = TypeVar("T")

READY_SECONDS = 30.0
"""How long the board may take to answer."""

QUICK_SECONDS = 60.0
"""How long a small command may take there."""

BYTES_PER_SECOND = 100_000
"""The slowest link that a transfer is allowed for."""

PATHS = 'PATH="$PATH:/opt/bin:/usr/local/bin:/usr/bin/axcl"; export PATH'
"""Where a board's programs lie; a shell that nobody logged in to may not know."""

_PULSE = "still here"
"""What the holder says again when it is said to it."""

_DROPS = 5
"""Connections that may drop in one run."""

# $1 folder, $2 name of the run, $3 seconds to wait for the lock, $4 who we are. Only what dash and busybox have.
# Whatever works for a run has the run's folder as its own: so it can be found, and cannot make that folder anew.
_HOLDER = r"""
mkdir -p "$1/runs" && cd -P "$1" && exec 9>lock || exit 1
if ! flock -n 9; then
  echo "busy $(cat owner 2>/dev/null)"
  flock -w "$3" 9 || exit 75
fi
trap '' HUP PIPE
sweep() {
  for try in 1 2 3 4 5; do
    pids=$(ls -l /proc/[0-9]*/cwd | sed -n "s#.*/proc/\([0-9]*\)/cwd -> $PWD/runs/.*#\1#p")
    [ -z "$pids" ] || kill -9 $pids
    rm -rf runs/* && break
  done
} 2>/dev/null
echo "$4" >owner
sweep
mkdir "runs/$2"
made=$?
[ $made != 0 ] || { echo ready; cat; }
sweep
rm -f owner
exit $made
"""


class BoardSession:
    """A run's hold on a board; use it in a ``with``.

    Args:
        board: The board.
        wait: Seconds to wait for a run that has it.
        on_wait: Told who has it.

    Raises:
        ConnectionError: On entering, or in any method: if the connection dropped.
        MissingError: If the board cannot be reached, refuses, or is busy for too long.
        StepError: If something fails on the board.
    """

    def __init__(self, board: Board, wait: float = 600.0, on_wait: Callable[[str], None] = lambda _: None) -> None:
        self.board = board
        self._run = secrets.token_hex(8)
        self._wait, self._on_wait = wait, on_wait
        self._holder: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> BoardSession:
        who = f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"
        words = [self.board.folder, self._run, str(round(self._wait)), who]
        script = quote(["sh", "-c", _HOLDER, "sh", *words])
        try:
            self._holder = subprocess.Popen(
                command(self.board, script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except FileNotFoundError as error:
            raise MissingError("ssh is not installed", remedy="install OpenSSH's client (openssh-client)") from error
        try:
            self._await_ready(self._holder)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the board back. What this run left there is removed."""
        holder, self._holder = self._holder, None
        if holder is None:
            return
        with contextlib.suppress(OSError):
            if holder.stdin:
                holder.stdin.close()
        try:
            holder.wait(10.0)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
        for pipe in (holder.stdout, holder.stderr):
            if pipe:
                pipe.close()

    def run(self, words: list[str], timeout: float) -> tuple[int, str]:
        """Run a program in the run's folder; its status, and all that it printed.

        It is ended together with the session, however that ends.
        """
        done = self._do(f"{PATHS}; exec {quote(words)} 2>&1", timeout)
        return done.status, (done.out.decode(errors="replace") + done.err).strip()

    def shell(self, script: str, what: str) -> str:
        """What a small script prints; it begins in the run's folder."""
        return checked(self.board, self._do(script, QUICK_SECONDS), what).decode(errors="replace")

    def put(self, files: Mapping[str, Path | bytes], place: str) -> None:
        """Copy files to the board, below ``place`` (from the run's folder); each is there as a whole or not at all."""
        target = quote([place])
        script = (
            f"rm -rf stage && mkdir -p stage {target} && tar -xf - -C stage "
            f'&& (cd stage && find . -type d) | while read -r d; do mkdir -p {target}/"$d"; done '
            f'&& (cd stage && find . -type f) | while read -r f; do mv -f stage/"$f" {target}/"$f" || exit 1; done'
        )
        with _packed(files) as (archive, size):
            timeout = QUICK_SECONDS + size / BYTES_PER_SECOND
            checked(self.board, self._do(script, timeout, archive), f"copying {len(files)} files")

    def get(self, place: str, size: int) -> dict[str, bytes]:
        """The files below ``place``, by their names there.

        Args:
            place: A folder, from the run's folder.
            size: About how many bytes will come.
        """
        timeout = QUICK_SECONDS + size / BYTES_PER_SECOND
        done = self._do(f"cd {quote([place])} && tar -cf - .", timeout)
        data = checked(self.board, done, "fetching results")
        try:
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                return {m.name.removeprefix("./"): f.read() for m in archive if (f := archive.extractfile(m))}
        except tarfile.TarError as error:
            raise StepError(f"the board {self.board.host} sent results that are no tar archive: {error}") from error

    def _do(self, script: str, timeout: float, stdin: IO[bytes] | None = None) -> CommandResult:
        """Run a script in the run's folder, while the lock is ours: what was had without it does not count."""
        self._require()
        place = f"{quote([self.board.folder])}/runs/{self._run}"
        try:
            done = run(self.board, f"cd {place} && {{ {script}\n}}", timeout=timeout, stdin=stdin)
        except MissingError as error:  # a moment ago it was there
            raise ConnectionError(error.message) from error
        self._require(ask=bool(done.status))
        return done

    def _require(self, ask: bool = False) -> None:
        """Find that the board is still ours.

        Args:
            ask: Ask the holder. What fails may have failed of a sweep, and on a busy machine the end of the holder's
                connection can be noticed long after that.
        """
        holder = self._holder
        if holder is None or holder.poll() is not None or (ask and not _answers(holder)):
            raise ConnectionError("the connection that holds the board broke")

    def _await_ready(self, holder: subprocess.Popen[bytes]) -> None:
        limit = self._wait + READY_SECONDS
        for line in _lines(holder, limit):
            if line == "ready":
                return
            if line.startswith("busy"):
                self._on_wait(line.removeprefix("busy").strip() or "another run")
        if holder.poll() is None:
            raise StepError(f"the board {self.board.host} did not answer within {limit:g} s")
        err = holder.stderr.read().decode(errors="replace").strip() if holder.stderr else ""
        if holder.returncode == 255:
            raise broken(self.board, err)
        if holder.returncode == 75:
            raise MissingError(
                f"the board {self.board.host} is busy: another run has had it for {self._wait:g} s",
                remedy="wait for it to end; its owner is in the file owner beside lock, in the board's "
                + self.board.folder,
            )
        checked(self.board, CommandResult(holder.returncode or 1, b"", err), "taking the board's lock")


def on_board(
    board: Board, work: Callable[[BoardSession], T], on_wait: Callable[[str], None] = lambda _: None, pause: float = 1.0
) -> T:
    """What ``work`` gives, done with the board for ourselves; after a dropped connection it is called again.

    ``work`` keeps what it has done, and goes on from there: what it raises ``ConnectionError`` for is tried again.

    Raises:
        MissingError: If the connection drops again and again, or the board cannot be reached any more.
    """
    dropped: ConnectionError | None = None
    for attempt in range(_DROPS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            with BoardSession(board, on_wait=on_wait) as session:
                return work(session)
        except ConnectionError as error:
            dropped = error
        except MissingError:
            if dropped is None:
                raise  # it was never there
    raise MissingError(
        f"the connection to the board {board.host} broke, {_DROPS} times or for good ({dropped})",
        remedy="check its power and network; it may have been rebooted. Run again to continue",
    )


def _answers(holder: subprocess.Popen[bytes]) -> bool:
    """Whether the holder is there and says what is said to it."""
    if holder.stdin is None:
        return False
    try:
        holder.stdin.write(f"{_PULSE}\n".encode())
        holder.stdin.flush()
    except OSError:
        return False
    return next(_lines(holder, READY_SECONDS), "") == _PULSE


def _lines(holder: subprocess.Popen[bytes], limit: float) -> Iterator[str]:
    """The lines that the holder prints, until it ends, for at most so many seconds."""
    if holder.stdout is None:
        return
    buffer, end = b"", time.monotonic() + limit
    with selectors.DefaultSelector() as selector:
        selector.register(holder.stdout, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if not selector.select(left):
                return
            data = os.read(holder.stdout.fileno(), 4096)
            if not data:
                holder.wait(QUICK_SECONDS)
                return
            *lines, buffer = (buffer + data).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)


@contextlib.contextmanager
def _packed(files: Mapping[str, Path | bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """The files as a tar archive, and its size in bytes."""
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as pack:
            for name, content in sorted(files.items()):
                info = tarfile.TarInfo(name)
                info.mode = 0o755 if name.endswith(".py") else 0o644
                if isinstance(content, bytes):
                    info.size = len(content)
                    pack.addfile(info, io.BytesIO(content))
                else:
                    info.size = content.stat().st_size
                    with content.open("rb") as source:
                        pack.addfile(info, source)
        size = archive.tell()
        archive.seek(0)
        yield archive, size
