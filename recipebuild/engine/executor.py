"""What runs steps: the words between the run and those who run its steps, here (``pool``) or on a Dask cluster."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from recipebuild.engine.record import Blob, Record
from recipebuild.engine.step import Output, Source, Step
from recipebuild.engine.store import Store
from recipebuild.errors import KINDS, RecipebuildError, StepError


@dataclass(frozen=True)
class Files:
    """An input that lies in the store: blobs, and the name of the file or folder that they make up."""

    name: str
    blobs: tuple[Blob, ...]


@dataclass(frozen=True)
class Order:
    """A step that is to be run.

    Attributes:
        step: The step.
        key: Its key.
        ingredients: What the key was made of.
        inputs: By name, a path outside the store, or files in it.
        folder: A folder without files: for what the step writes (``out``), its log (``log``), and itself (``work``).
            The log is made when the step begins.
    """

    step: Step
    key: str
    ingredients: Mapping[str, Any]
    inputs: Mapping[str, Path | Files]
    folder: Path


class Executor(Protocol):
    """Runs steps."""

    distributed: bool
    """Whether steps run elsewhere: they then wait there for what they hold."""

    @property
    def free(self) -> bool:
        """Whether a step could start now."""

    def start(self, order: Order, store: Store) -> None:
        """Begin a step.

        Raises:
            OSError: If its folder cannot be filled.
            MissingError: If what should run it is not there.
        """

    def messages(self, timeout: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What running steps have to say, waiting at most ``timeout`` seconds: (the step's id, message).

        ``{"progress": fraction, "text"}`` and ``{"warning": text}`` while it runs; ``{"done": metrics}`` with its
        outputs in the order's folder, ``{"record": record}`` with its outputs in the store, ``{"error": fields}`` or
        ``{"died": exit status}`` end it.
        """

    def close(self) -> None:
        """End all."""


def resolve_input(input_: Output | Source, records: Mapping[str, Record]) -> Path | Files:
    """Where a step's input is, given the records of the steps before it."""
    if isinstance(input_, Source):
        return input_.path
    return Files(input_.name, tuple(records[input_.step].select(input_.name)))


def lay_out(order: Order, store: Store) -> dict[str, Any]:
    """Fill an order's folder; give the request to a worker process (``worker.py``).

    Inputs from the store are hard links in the folder, so that a step sees them under their own names; copies where the
    system refuses links to files of another user (fs.protected_hardlinks), or a file has too many.

    Raises:
        OSError: If the folder cannot be filled.
    """
    places = {}
    for name, input_ in order.inputs.items():
        if isinstance(input_, Path):
            places[name] = str(input_)
            continue
        folder = order.folder / "in" / name
        for blob in input_.blobs:
            link = folder / blob.name
            link.parent.mkdir(parents=True, exist_ok=True)
            _link(store.path(blob), link)
        if not input_.blobs:  # an empty folder
            (folder / input_.name).mkdir(parents=True)
        places[name] = str(folder / input_.name)
    paths = {name: f"{order.folder}/{name}" for name in ("out", "work", "log")}
    for name in ("out", "work"):
        with contextlib.suppress(FileExistsError):  # a folder that was cleared has them
            os.mkdir(paths[name])  # noqa: PTH102 - hot
    return {"module": order.step.module, "params": dict(order.step.params), "inputs": places, **paths}


def _link(blob: Path, place: Path) -> None:
    try:
        place.hardlink_to(blob)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EMLINK):
            raise
        shutil.copyfile(blob, place)
        place.chmod(0o444)


def cleared(folder: Path) -> bool:
    """Whether another step can have the folder of an order that is done: its inputs go, and it must be empty then."""
    if os.path.isdir(f"{folder}/in"):  # noqa: PTH112 - hot
        shutil.rmtree(f"{folder}/in", ignore_errors=True)
    return sorted(os.listdir(folder)) == ["out", "work"] and not any(  # noqa: PTH208 - hot
        os.listdir(f"{folder}/{name}")  # noqa: PTH208
        for name in ("out", "work")
    )


def facts(step: Step, metrics: Any, seconds: float) -> dict[str, Any]:
    """What a record says of a step that has just ended, besides its outputs."""
    finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return {"metrics": metrics, "seconds": round(seconds, 3), "label": step.id, "finished": finished}


def failure(message: Mapping[str, Any]) -> RecipebuildError:
    """The error that the message ``{"error": fields}`` or ``{"died": exit status}`` stands for."""
    if "error" in message:
        fields = dict(message["error"])
        return KINDS[fields.pop("kind")](fields.pop("text"), **fields)
    if message["died"] == -9:
        return StepError(
            "the worker was killed, most often because memory ran out",
            remedy="run with -j 1, close other programs, or use a smaller input.shape",
        )
    return StepError(f"the worker ended with status {message['died']}", remedy="look into the log for its last words")


def timed_out(limit: float) -> StepError:
    """The error of a step that was ended after ``limit`` seconds."""
    remedy = "see in the log where it hung, or give it longer with --timeout"
    return StepError(f"timed out after {limit:g} s", remedy=remedy)
