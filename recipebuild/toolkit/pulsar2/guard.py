"""Runs beside a container, so that it never outlives the process that started it, and its files become the caller's.

``python guard.py ENGINE IMAGE NAME FOLDER``, started by ``container.py`` in a session of its own. It waits on standard
input, whose other end the starter holds: when that closes without the word ``ended``, the starter is gone, even if by
SIGKILL, and the container is killed. What the container's root wrote into FOLDER is then handed to the caller.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ENDED = b"ended"
"""What the starter writes when the container has ended by itself."""


def main() -> None:
    """Wait for the starter, then clean up."""
    engine, image, name, folder = sys.argv[1:]
    if sys.stdin.buffer.read() != ENDED:
        # A container that is just being created cannot be killed yet.
        for _ in range(8):
            if _quietly([engine, "kill", name]):
                break
            time.sleep(0.25)
    with contextlib.suppress(OSError):  # whoever started us may have taken the folder away
        if any(path.lstat().st_uid != os.getuid() for path in Path(folder).iterdir()):
            owner = f"{os.getuid()}:{os.getgid()}"
            run = [engine, *run_options(f"{name}-owner", folder), "--entrypoint", "chown", image, "-R", owner, "/data"]
            _quietly(run)


def run_options(name: str, folder: str, *more: str, network: str = "none") -> list[str]:
    """``run`` and its options for a container that sees nothing of the machine but ``folder``."""
    safe = ["--rm", "--pull", "never", *([] if network == "default" else ["--network", network])]
    return ["run", *safe, *more, "--name", name, "-v", f"{folder}:/data", "-w", "/data"]


def _quietly(command: Sequence[str]) -> bool:
    """Whether ``command`` succeeds, in a minute at most: an engine that hangs must not hold the step."""
    silent = subprocess.DEVNULL
    try:
        return not subprocess.run(
            command, stdin=silent, stdout=silent, stderr=silent, timeout=60, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return False


if __name__ == "__main__":
    main()
