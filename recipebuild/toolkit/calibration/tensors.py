"""Calibration archives of tensors: the images of a calibration set, preprocessed, in the formats that Pulsar2 reads.

Numpy       one .npy file per image: the tensor
Binary      one .bin file per image: the tensor's bytes, little-endian, C order
NumpyObject one .npy file per image: a dict of the tensors of all inputs, by name

Each tensor has the input's exact shape and dtype (page user_guides_advanced/advanced_build_guides). Same images, same
bytes.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.preprocess import ImageSpec, preprocess

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Format = Literal["Numpy", "Binary", "NumpyObject"]


def write_tensors(
    images: Path,
    spec: ImageSpec,
    format: Format,
    path: Path,
    on_image: Callable[[int], None] = lambda _: None,
    more: Callable[[str], Mapping[str, Array]] = lambda _: {},
) -> int:
    """Write the archive of tensors for an archive of images; give how many there are.

    Args:
        images: A calibration archive.
        spec: What the model expects; with N above 1, a batch repeats its image.
        format: What the archive holds.
        path: Where to write it.
        on_image: Told how many are done.
        more: Gives the tensors of other inputs for an image, by its name; with NumpyObject only.

    Raises:
        StepError: If the archive of images, or an image in it, is damaged.
    """
    done = 0
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for done, (name, image) in enumerate(read_archive(images), 1):
            tensor = preprocess(image, spec).repeat(spec.shape[0], axis=0)
            data = _bytes({spec.name: tensor, **more(name)}, spec.name, format)
            entry = tarfile.TarInfo(f"{name}.{'bin' if format == 'Binary' else 'npy'}")  # a.jpg and a.png stay apart
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            on_image(done)
    return done


def _bytes(tensors: Mapping[str, Array], name: str, format: Format) -> bytes:
    import numpy as np

    if format == "Binary":
        return tensors[name].astype("<f4").tobytes()
    file = io.BytesIO()
    np.save(file, np.array(dict(tensors)) if format == "NumpyObject" else tensors[name])
    return file.getvalue()
