"""Running steps on a Dask cluster: the run's side of ``dask_step.py``.

Each step is one Dask task. Dask chooses the worker, makes steps wait for the resources that they name, and repeats a
step elsewhere when its worker is lost. Inputs and outputs go through the shared store, through Dask only records.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recipebuild.engine.dask_step import run_order
from recipebuild.engine.digest import digest_listing
from recipebuild.engine.executor import Files, Order
from recipebuild.engine.record import Blob, read_record
from recipebuild.engine.remote import Remote
from recipebuild.engine.sources import source_files
from recipebuild.engine.store import Store
from recipebuild.engine.worker import error_message
from recipebuild.errors import CheckError, MissingError, RecipebuildError, StepError, disk_full, reason
from recipebuild.files import digest_file

_AT_ONCE = 256
"""So many steps are handed to Dask at once: each holds the lock on its key, and so a descriptor."""

_SENDERS = 4
"""So many steps' inputs are sent to the shared store at once."""

_CONNECT = "10s"


class DaskPool:
    """Runs steps on the cluster whose scheduler is at ``address``; without one, on a cluster of this machine.

    Args:
        address: Such as ``tcp://host:8786``.
        jobs: Steps at once, on this machine's cluster.
        resources: What this machine's cluster has, and how many of each.
        remote: The shared store; ``None``: the folder of the run's own store.
    """

    distributed = True

    def __init__(self, address: str | None, jobs: int, resources: Mapping[str, int], remote: Remote | None) -> None:
        self._address = address
        self._jobs = jobs
        self._resources = resources
        self._remote = remote
        self._topic = f"recipebuild-{secrets.token_hex(8)}"
        self._client: Any = None
        self._trouble: MissingError | None = None
        self._cluster: Any = None
        self._tasks: dict[str, Any] = {}  # a step's future, by its id; None until it is submitted
        self._messages: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._senders = threading.Semaphore(_SENDERS)

    @property
    def free(self) -> bool:
        """Whether a step could be handed over now."""
        return len(self._tasks) < _AT_ONCE

    def start(self, order: Order, store: Store) -> None:
        """Hand a step over.

        Raises:
            MissingError: If no scheduler answers.
            OSError: If an input cannot be read.
        """
        if self._client is None:
            self._connect(store)
        (order.folder / "log").touch()
        sources = {
            input_: [(n, p, store.stats.get(p, "sha256", lambda p=p: digest_file(p))) for n, p in files]  # type: ignore[misc]  # mypy cannot infer a default argument
            for input_, source in order.inputs.items()
            if isinstance(source, Path)
            for files in [source_files(source, store.stats)]
        }
        self._tasks[order.step.id] = None
        threading.Thread(target=self._send, args=(order, store, sources), daemon=True).start()

    def messages(self, timeout: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What steps have to say, waiting at most ``timeout`` seconds for the first."""
        with contextlib.suppress(queue.Empty):
            name, message = self._messages.get(timeout=timeout)
            while True:
                if name in self._tasks:
                    if not message.keys() & {"progress", "warning"}:
                        del self._tasks[name]
                    yield name, message
                name, message = self._messages.get_nowait()

    def stop(self, name: str) -> None:
        """Take a step back; its worker ends it."""
        future = self._tasks.pop(name, None)
        if future is not None:
            future.cancel(force=True)

    def close(self) -> None:
        """Take all steps back, and leave the cluster; this machine's own ends."""
        for name in list(self._tasks):
            self.stop(name)
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing more to say
            if self._client is not None:
                self._client.close(timeout=2)
            if self._cluster is not None:
                self._cluster.close(timeout=5)
        self._client = self._cluster = None

    def _connect(self, store: Store) -> None:
        if self._trouble:  # each further step would wait as long for the same answer
            raise self._trouble
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            self._trouble = MissingError(
                f"the Python package distributed cannot be imported: {reason(error)}",
                remedy="pip install '.[dask]' in a checkout",
            )
            raise self._trouble from error
        for name in ("distributed", "distributed.client"):  # what matters is told by the run
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            if self._address is None:
                # One worker in this process: its threads only wait, since each step has a process of its own.
                self._cluster = LocalCluster(
                    n_workers=1,
                    threads_per_worker=self._jobs,
                    processes=False,
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                    resources=dict(self._resources),
                    local_directory=str(store.workspaces.new()),
                )
            self._client = Client(self._address or self._cluster, timeout=_CONNECT, set_as_default=False)
            self._client.subscribe_topic(self._topic, self._hear)
        except (OSError, TimeoutError, ValueError) as error:
            self._trouble = MissingError(
                f"no Dask scheduler answers at {self._address}: {reason(error)}",
                remedy="start one with: dask scheduler",
            )
            raise self._trouble from error

    # In threads of their own.

    def _send(self, order: Order, store: Store, sources: Mapping[str, list[tuple[str, Path, str]]]) -> None:
        """Put a step's inputs into the shared store, and submit it."""
        name = order.step.id
        try:
            with self._senders:
                inputs: dict[str, Path | Files] = dict(order.inputs)
                for input_, files in sources.items():
                    inputs[input_] = _ingest(input_, order, files, store)
                if self._remote:
                    blobs = [blob for files in inputs.values() if isinstance(files, Files) for blob in files.blobs]
                    self._remote.send(blobs, store)
            needs = dict.fromkeys(order.step.resources, 1)
            self._warn_of_lack(name, needs)
            future = self._client.submit(
                run_order,
                replace(order, inputs=inputs, folder=Path()),
                self._remote.url if self._remote else str(store.root),
                frozenset(self._remote.damaged if self._remote else ()),
                self._topic,
                key=f"{name}-{secrets.token_hex(8)}",
                resources=needs or None,
                pure=False,
            )
            if name in self._tasks:
                self._tasks[name] = future
                future.add_done_callback(lambda future: self._end(order, store, future))
        except RecipebuildError as error:
            self._messages.put((name, error_message(error)))
        except Exception as error:  # whatever Dask throws must reach the user as one line
            full = disk_full(error, store.root) if isinstance(error, OSError) else None
            self._messages.put((name, error_message(full or StepError(f"cannot hand it to Dask: {reason(error)}"))))

    def _warn_of_lack(self, name: str, needs: Mapping[str, int]) -> None:
        """Say so when no worker has what a step needs: it will wait until one comes."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        able = [
            worker
            for worker in workers
            if all(worker["resources"].get(need, 0) >= count for need, count in needs.items())
        ]
        if not able:
            need = f" with {', '.join(needs)}" if needs else ""
            self._messages.put((name, {"warning": f"RB803 {name} waits: the Dask cluster has no worker{need} yet"}))

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        message = dict(event[1])
        self._messages.put((message.pop("name"), message))

    def _end(self, order: Order, store: Store, future: Any) -> None:
        """Pass on how a step ended; its results are in the local store then."""
        name = order.step.id
        if name not in self._tasks:
            return
        try:
            message = self._result(order, store, future)
        except CheckError as error:  # a damaged blob: no check of the step's own
            message = error_message(StepError(error.message, remedy="run again"))
        except RecipebuildError as error:
            message = error_message(error)
        except Exception as error:  # same
            message = error_message(StepError(f"Dask gave it up: {reason(error)}"))
        self._messages.put((name, message))

    def _result(self, order: Order, store: Store, future: Any) -> dict[str, Any]:
        if future.status in ("cancelled", "lost"):
            raise MissingError("the Dask scheduler is gone, or has forgotten the step", remedy="run again")
        message: dict[str, Any] = future.result(timeout=60)
        if "log" in message:
            with (order.folder / "log").open("a", encoding="utf-8") as log:
                log.write(message.pop("log"))
        if "record" not in message:
            return message
        record = self._remote.fetch(order.key, store) if self._remote else read_record(message["record"])
        if record is None or not all(store.holds(blob) for blob in (*record.outputs, record.log)):
            raise MissingError(
                "the result is not in the store: the workers do not share it",
                remedy="name a folder that all machines see under the same path, or a remote store's URL, with --store",
            )
        return {"record": record}


def _ingest(name: str, order: Order, files: list[tuple[str, Path, str]], store: Store) -> Files:
    """Put a source's files into the store.

    Raises:
        StepError: If they are no longer what the step's key was made of.
        OSError: If one cannot be read, or the store not written.
    """
    path = order.inputs[name]
    assert isinstance(path, Path)  # noqa: S101 - only sources are ingested
    is_folder = path.is_dir()
    listing = [(relative, digest) for relative, _, digest in files]
    whole = listing[0][1] if len(listing) == 1 and not is_folder else digest_listing(listing)
    same = whole == order.ingredients["inputs"][name]
    blobs = []
    for relative, file, digest in files:
        blob = Blob(f"{path.name}/{relative}" if is_folder else relative, digest, file.stat().st_size)
        if not store.claim(blob):
            copy = store.workspaces.file()
            shutil.copyfile(file, copy)
            same = same and digest_file(copy) == digest
            if same:
                store.put(copy, blob)
        blobs.append(blob)
    if not same:
        raise StepError(f"{name} changed while it was being read; nothing was built", remedy="run again")
    return Files(path.name, tuple(blobs))
