"""Samples of a model's inputs that are no images: an archive with an .npz file for each sample.

Use: ``write_samples(path, {"street-1.jpg": {"mask": array}})``, later ``for name, tensors in read_samples(path)``.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy.typing as npt

    Tensors = Mapping[str, npt.NDArray[Any]]

_SUFFIX = ".npz"


def write_samples(path: Path, samples: Iterable[tuple[str, Tensors]]) -> int:
    """Write the archive, in the order of ``samples``; give how many there are. Same samples, same bytes.

    Args:
        path: Where to write it.
        samples: For each its name, and its arrays by the names of the inputs.
    """
    import numpy as np

    count = 0
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, tensors in samples:
            file = io.BytesIO()
            np.savez(file, **dict(sorted(tensors.items())))  # type: ignore[arg-type]  # of its flag for pickles
            entry = tarfile.TarInfo(f"{name}{_SUFFIX}")  # of itself: mode 0644, time 0, owner 0 without a name
            entry.size = file.tell()
            file.seek(0)
            tar.addfile(entry, file)
            count += 1
    return count


def read_samples(path: Path) -> Iterator[tuple[str, Tensors]]:
    """The names of the samples and their arrays, in the order in which they were written, one in memory at a time.

    Raises:
        StepError: If the archive is damaged.
    """
    import numpy as np

    try:
        with tarfile.open(path) as tar:
            for entry in tar:
                file = tar.extractfile(entry)
                assert file is not None, "it holds files only"  # noqa: S101
                with np.load(io.BytesIO(file.read()), allow_pickle=False) as arrays:
                    yield entry.name.removesuffix(_SUFFIX), dict(arrays)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise StepError(f"{path.name} is damaged: {error}") from error


def count_samples(path: Path) -> int:
    """How many samples an archive has."""
    with tarfile.open(path) as tar:
        return len(tar.getnames())
