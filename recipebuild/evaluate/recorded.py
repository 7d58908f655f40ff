"""Class ids that were computed elsewhere, one array per sample: written by a simulation, read by ``evaluate``.

A tar of ``<sample>.npy`` files, int32 ``[h, w]``; same ids, same bytes.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def write_ids(path: Path, found: Iterable[tuple[str, npt.NDArray[np.int64]]]) -> None:
    """Write the class ids of samples, by the samples' names."""
    import numpy as np

    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, ids in found:
            file = io.BytesIO()
            np.save(file, ids.astype(np.int32))
            entry = tarfile.TarInfo(f"{name}.npy")
            entry.size = file.tell()
            file.seek(0)
            tar.addfile(entry, file)


class Recorded:
    """The class ids in a tar that ``write_ids`` made.

    Args:
        path: The tar.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._tar = tarfile.open(path)  # noqa: SIM115 - it is read from as long as this lives

    def ids(self, sample: str) -> npt.NDArray[np.int64]:
        """The class ids of a sample, int64 ``[h, w]``.

        Raises:
            StepError: If it has none of that sample.
        """
        import numpy as np

        try:
            file = self._tar.extractfile(f"{sample}.npy")
        except KeyError:
            file = None
        if file is None:
            raise StepError(f"{self.name} has no class ids of {sample}")
        ids: npt.NDArray[np.int64] = np.load(io.BytesIO(file.read()), allow_pickle=False).astype(np.int64)
        return ids
