"""Outputs that were computed elsewhere, one per sample: written by a simulation, read by ``evaluate`` and ``ladder``.

A tar of ``<sample>.npy`` files, int32 for class ids, else float32; of detectors, which give several outputs, also
``<sample>.1.npy`` and so on. Same outputs, same bytes.
"""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.facts.tasks import DETECTION

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def write_outputs(path: Path, predictions: Iterable[tuple[str, Sequence[Array]]], task: str = "") -> None:
    """Write what is kept of what a model gives for samples, by the samples' names.

    Args:
        path: Where.
        predictions: Names and outputs, with the axis of the batch.
        task: The recipe's ``model.task``.
    """
    import numpy as np

    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, outputs in predictions:
            for number, output in enumerate(kept_outputs(outputs, task)):
                file = io.BytesIO()
                np.save(file, output)
                entry = tarfile.TarInfo(_entry(name, number))
                entry.size = file.tell()
                file.seek(0)
                tar.addfile(entry, file)


def _entry(sample: str, number: int) -> str:
    return f"{sample}.{number}.npy" if number else f"{sample}.npy"


def kept_outputs(outputs: Sequence[Array], task: str) -> list[Array]:
    """What is kept of a model's outputs: of a detector all as float32, else one, as ``kept_output`` has it."""
    import numpy as np

    return [output.astype(np.float32) for output in outputs] if task == DETECTION else [kept_output(outputs)]


def kept_output(outputs: Sequence[Array]) -> Array:
    """What is kept of a model's outputs: its class ids as int32, or if it has none its first output as float32."""
    import numpy as np

    integers = [output for output in outputs if output.dtype.kind in "iu"]
    return integers[0].astype(np.int32) if integers else outputs[0].astype(np.float32)


class Recorded:
    """The outputs in a tar that ``write_outputs`` made.

    Args:
        path: The tar.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._tar = tarfile.open(path)  # noqa: SIM115 - it is read from as long as this lives
        self._names = frozenset(self._tar.getnames())

    def outputs(self, sample: str) -> list[Array]:
        """All that was kept of a sample.

        Raises:
            StepError: As ``output``.
        """
        several = itertools.takewhile(lambda number: _entry(sample, number) in self._names, itertools.count(1))
        return [self.output(sample), *(self._read(_entry(sample, number)) for number in several)]

    def output(self, sample: str) -> Array:
        """The output for a sample, with the axis of the batch.

        Raises:
            StepError: If it has none of that sample.
        """
        if _entry(sample, 0) not in self._names:
            raise StepError(f"{self.name} has no output for {sample}")
        return self._read(_entry(sample, 0))

    def _read(self, entry: str) -> Array:
        import numpy as np

        file = self._tar.extractfile(entry)
        assert file is not None, "all entries are files"  # noqa: S101
        output: Array = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return output
