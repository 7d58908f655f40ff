"""Outputs that were computed elsewhere, one per sample: written by a simulation, read by ``evaluate`` and ``ladder``.

A tar of ``<sample>.npy`` files, int32 for class ids, else float32; same outputs, same bytes.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def write_outputs(path: Path, predictions: Iterable[tuple[str, Sequence[Array]]]) -> None:
    """Write what a model gives for samples, by the samples' names: its class ids, or if it has none its first output.

    Args:
        path: Where.
        predictions: Names and outputs, with the axis of the batch.
    """
    import numpy as np

    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, outputs in predictions:
            file = io.BytesIO()
            np.save(file, kept_output(outputs))
            entry = tarfile.TarInfo(f"{name}.npy")
            entry.size = file.tell()
            file.seek(0)
            tar.addfile(entry, file)


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

    def output(self, sample: str) -> Array:
        """The output for a sample, with the axis of the batch.

        Raises:
            StepError: If it has none of that sample.
        """
        import numpy as np

        try:
            file = self._tar.extractfile(f"{sample}.npy")
        except KeyError:
            file = None
        if file is None:
            raise StepError(f"{self.name} has no output for {sample}")
        output: Array = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return output
