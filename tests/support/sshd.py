"""A real OpenSSH server on loopback, with keys and configuration of its own: the board's way in."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STANDINS = Path(__file__).resolve().parents[1] / "standins"
SSHD = shutil.which("sshd") or ("/usr/sbin/sshd" if Path("/usr/sbin/sshd").exists() else None)
MISSING = "needs OpenSSH's server: apt-get install openssh-server"


@dataclass
class Sshd:
    """The server, and what stands for a board behind it.

    Attributes:
        place: Its folder: keys, configurations, ``board`` (what the board keeps), ``state`` (the stand-ins').
        options: More lines for its configuration.
    """

    place: Path
    options: list[str] = field(default_factory=list)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """The OpenSSH configuration of the client, with one Host: ``board``."""
        return self.place / "ssh_config"

    @property
    def folder(self) -> Path:
        """Where the board keeps what is copied there."""
        return self.place / "board"

    @property
    def twins(self) -> Path:
        return self.place / "twins"

    @property
    def programs(self) -> Path:
        """What the board has on PATH before all else."""
        return self.place / "programs"

    def prepare(self) -> None:
        for folder in (self.place / "state", self.twins, self.programs):
            folder.mkdir(parents=True)
        for name in ("host", "user", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.place / name)], check=True)
        (self.place / "authorized").write_text((self.place / "user.pub").read_text())
        for name in ("ax_run_model", "axcl_run_model", "ax_segformer"):
            (self.programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {STANDINS}/board/{name} "$@"\n')
            (self.programs / name).chmod(0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        known = (self.place / "host.pub").read_text().split()[:2]
        (self.place / "known").write_text(f"[127.0.0.1]:{self.port} {' '.join(known)}\n")
        self.config.write_text(
            f"Host board\n  HostName 127.0.0.1\n  Port {self.port}\n  User {getpass.getuser()}\n"
            f"  IdentityFile {self.place}/user\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.place}/known\n  GlobalKnownHostsFile /dev/null\n"
            "  KexAlgorithms curve25519-sha256\n"  # the quickest: tests connect hundreds of times
        )
        self.configure()

    def configure(self, *more: str) -> None:
        path = f"{self.programs}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.place}/host", "UsePAM no", "StrictModes no",
            f"AuthorizedKeysFile {self.place}/authorized", f"PidFile {self.place}/pid", "PermitRootLogin yes",
            "KbdInteractiveAuthentication no", "MaxStartups 100", "MaxSessions 100",
            f"SetEnv HOME={self.place} PATH={path} STANDIN_BOARD={self.place}/state STANDIN_TWINS={self.twins}",
            *self.options, *more,
        ]  # fmt: skip
        (self.place / "sshd_config").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        command = [str(SSHD), "-D", "-e", "-f", str(self.place / "sshd_config")]
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError((self.place / "log").read_text())

    def stop(self) -> None:
        """The whole machine goes down: server, connections, and what runs behind them."""
        if self.process is None:
            return
        behind = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for one in behind:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()
        self.process = None

    def drop(self) -> int:
        """Cut all connections, as a network does: what runs behind them is not told. How many there were."""
        assert self.process is not None
        count = 0
        for one in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end at any moment, by itself
                if one.name().startswith("sshd"):
                    one.send_signal(signal.SIGKILL)
                    count += 1
        return count

    def fail(self, how: str) -> None:
        """Make the stand-ins fail; an empty word makes them well again."""
        (self.place / "state" / "fail").write_text(how)

    def left(self) -> list[str]:
        """What a run left behind on the board: files, processes, the lock's owner."""
        names = [str(p.relative_to(self.folder)) for p in self.folder.glob("runs/*")]
        names += ["owner"] if (self.folder / "owner").exists() else []
        for process in psutil.process_iter(["cmdline", "cwd"]):
            if (process.info["cwd"] or "").startswith(str(self.folder)):
                names.append(f"process {process.info['cmdline']}")
        return names

    def left_after(self, seconds: float) -> list[str]:
        """The same, once the board has had time to notice that the connection is gone."""
        end = time.monotonic() + seconds
        while (names := self.left()) and time.monotonic() < end:
            time.sleep(0.05)
        return names
