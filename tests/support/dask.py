"""A Dask cluster over loopback: one scheduler and workers as processes of their own, which a test may kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class DaskCluster:
    """A cluster whose processes run with ``environment`` on top of the test's."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = os.environ | (environment or {})
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        file = folder / "scheduler.json"
        common = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self._start("dask_scheduler", *common)
        _wait(file.exists, "the scheduler does not start")
        self.address: str = json.loads(file.read_text())["address"]

    def add_worker(self, name: str, resources: str = "", before: Sequence[str] = (), **environment: str) -> None:
        """Start a worker of one thread, by the command ``before`` if there is one."""
        local = ["--local-directory", str(self._folder / name)]
        needs = ["--resources", resources] if resources else []
        arguments = [self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name, *local, *needs]
        self.workers[name] = self._start("dask_worker", *arguments, before=before, **environment)

    def wait_for_workers(self) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()

    def _start(
        self, module: str, *arguments: str, before: Sequence[str] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*before, sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            cwd=self._folder, env=self._environment | environment,
            stdout=subprocess.DEVNULL, stderr=(self._folder / "cluster.log").open("ab"),
        )  # fmt: skip


def _wait(condition: object, complaint: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)
