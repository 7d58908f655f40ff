"""What a model gave for each image of a dataset: written by answers and simulations, read by all that measure.

    write_outputs(path, [("street-03", outputs), ...])
    Recorded(path).outputs("street-03")

A tar; the same outputs give the same bytes. A sample has one entry, or several:

    ids/<sample>.png       class ids as a picture of 8 or 16 bits, which is a hundredth of their size; their shape, with
                           the axis of the batch, is in the entry's header. What is no picture is an int32 .npy
    values/<sample>.npy    float32; of detectors, which give several outputs, also values/<sample>.1.npy and so on

An entry's header may have the digest of the image file, too: by it answers are taken over for another set of images.
"""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_SHAPE, _IMAGE = "RECIPEBUILD.shape", "RECIPEBUILD.image"
"""Headers of entries: an array's shape, an image's digest. A vendor's are in capital letters (POSIX.1-2001, pax)."""
_NO_IMAGES: Mapping[str, str] = {}


def write_outputs(
    path: Path, predictions: Iterable[tuple[str, Sequence[Array]]], images: Mapping[str, str] = _NO_IMAGES
) -> None:
    """Write what a model gives for samples, by the samples' names.

    Args:
        path: Where.
        predictions: Names, each with at most one array of integers, and arrays of floats.
        images: The digests of the samples' image files, by name, to know them again by.
    """
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, outputs in predictions:
            numbers = itertools.count()
            for output in outputs:
                number = 0 if output.dtype.kind in "iu" else next(numbers)
                _add(tar, f"{name}.{number}" if number else name, output, None if number else images.get(name))


def join(shares: Sequence[Path], into: Path) -> int:
    """Write as one tar what was shared out: the first sample of each share, then the second of each.

    Returns:
        How many samples there are.
    """
    opened = [Recorded(share) for share in shares]
    samples = [
        sample for row in itertools.zip_longest(*(one.by_sample() for one in opened)) for sample in row if sample
    ]
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as tar:
        for entries in samples:
            for entry, file in entries:
                tar.addfile(entry, file)
    return len(samples)


def kept_output(outputs: Sequence[Array]) -> Array:
    """What is kept of a simulation's outputs: its class ids as int32, or if it has none its first output as float32."""
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
        self._entries = {entry.name: entry for entry in self._tar}

    @property
    def samples(self) -> dict[str, str]:
        """Names of samples, by the digests of their image files, where these were kept."""
        images = ((name, entry.pax_headers.get(_IMAGE)) for name, entry in self._entries.items())
        return {digest: name.partition("/")[2].rpartition(".")[0] for name, digest in images if digest}

    def by_sample(self) -> Iterator[list[tuple[tarfile.TarInfo, IO[bytes] | None]]]:
        """The entries of each sample, in order: those of the first of them has the image's digest."""
        entries: list[tarfile.TarInfo] = []
        for entry in self._entries.values():
            if entries and _IMAGE in entry.pax_headers:
                yield [(each, self._tar.extractfile(each)) for each in entries]
                entries = []
            entries.append(entry)
        yield [(each, self._tar.extractfile(each)) for each in entries]

    def outputs(self, sample: str) -> list[Array]:
        """The outputs for a sample, with the axis of the batch: class ids as int32, then values as float32.

        Raises:
            StepError: If it has none of that sample.
        """
        more = (f"values/{sample}.{number}.npy" for number in itertools.count(1))
        names = (f"ids/{sample}.png", f"ids/{sample}.npy", f"values/{sample}.npy")
        there = [name for name in names if name in self._entries]
        there += itertools.takewhile(self._entries.__contains__, more)
        arrays = [self._read(self._entries[name]) for name in there]
        if not arrays:
            raise StepError(f"{self.name} has no output for {sample}")
        return arrays

    def output(self, sample: str) -> Array:
        """The first of them: class ids where there are some.

        Raises:
            StepError: As ``outputs`` does.
        """
        return self.outputs(sample)[0]

    def _read(self, entry: tarfile.TarInfo) -> Array:
        import numpy as np
        from PIL import Image

        file = self._tar.extractfile(entry)
        assert file is not None, "each entry is a file"  # noqa: S101
        data = io.BytesIO(file.read())
        if entry.name.endswith(".npy"):
            array: Array = np.load(data, allow_pickle=False)
            return array
        shape = [int(size) for size in entry.pax_headers[_SHAPE].split(",")]
        return np.asarray(Image.open(data)).astype(np.int32).reshape(shape)


def _add(tar: tarfile.TarFile, name: str, output: Array, image: str | None) -> None:
    import numpy as np
    from PIL import Image

    file, headers = io.BytesIO(), dict[str, str]()
    if output.dtype.kind not in "iu":
        place = f"values/{name}.npy"
        np.save(file, output.astype(np.float32))
    elif _is_picture(output):
        place, headers = f"ids/{name}.png", {_SHAPE: ",".join(map(str, output.shape))}
        rows = output.reshape(-1, output.shape[-1])
        Image.fromarray(rows.astype(np.uint8 if rows.max() < 2**8 else np.uint16)).save(file, "PNG")
    else:
        place = f"ids/{name}.npy"
        np.save(file, output.astype(np.int32))
    entry = tarfile.TarInfo(place)
    entry.size = file.tell()
    entry.pax_headers = headers | ({_IMAGE: image} if image else {})
    file.seek(0)
    tar.addfile(entry, file)


def _is_picture(ids: Array) -> bool:
    return ids.ndim > 1 and ids.size > 0 and 0 <= int(ids.min()) <= int(ids.max()) < 2**16
