"""Calibration archives of tensors: a calibration set as a model is fed it, in the formats that Pulsar2 reads.

Numpy       one .npy file per sample: the tensor
Binary      one .bin file per sample: the tensor's bytes, little-endian, C order
NumpyObject one .npy file per sample: a dict of the tensors of all inputs, by name

Each tensor has the input's exact shape and dtype (page user_guides_advanced/advanced_build_guides). Same images, same
bytes.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Format = Literal["Numpy", "Binary", "NumpyObject"]


def write_tensors(
    samples: Iterable[tuple[str, Mapping[str, Array]]],
    format: Format,
    path: Path,
    on_sample: Callable[[int], None] = lambda _: None,
) -> int:
    """Write the archive of tensors for a calibration set; give how many samples there are.

    Args:
        samples: The names of samples, and what the model is fed, by input; of several inputs with NumpyObject only.
            Integers of 64 bits become those of 32 that the chip takes.
        format: What the archive holds.
        path: Where to write it.
        on_sample: Told how many are done.

    Raises:
        StepError: If the calibration set, or a sample in it, is damaged.
    """
    done = 0
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for done, (name, tensors) in enumerate(samples, 1):
            data = _bytes({key: narrow(values) for key, values in tensors.items()}, format)
            entry = tarfile.TarInfo(f"{name}.{'bin' if format == 'Binary' else 'npy'}")  # a.jpg and a.png stay apart
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            on_sample(done)
    return done


def narrow(values: Array) -> Array:
    """The values as the chip takes them, which has no integers of 64 bits."""
    return values.astype("int32") if values.dtype == "int64" else values


def _bytes(tensors: Mapping[str, Array], format: Format) -> bytes:
    import numpy as np

    first, *_ = tensors.values()
    if format == "Binary":
        return first.astype(first.dtype.newbyteorder("<")).tobytes()
    file = io.BytesIO()
    np.save(file, np.array(dict(tensors)) if format == "NumpyObject" else first)
    return file.getvalue()
