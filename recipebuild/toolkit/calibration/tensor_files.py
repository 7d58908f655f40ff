"""Tensors that are fed as they are: a folder or archive of .npy, .npz or .bin files, one for each sample.

with tensor_files(Path("masks")) as files:
read_tensor(files["street-1"], TensorSpec(name="mask", shape=(1, 1, 64, 128)))
"""

from __future__ import annotations

import contextlib
import difflib
import io
import math
import random
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.errors import StepError
from recipebuild.files import walk
from recipebuild.toolkit.calibration.imagefile import ImageFile, flat_stem, is_hidden
from recipebuild.toolkit.calibration.source import read_file
from recipebuild.toolkit.calibration.unpack import members

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SUFFIXES = (".npy", ".npz", ".bin")

_INT32 = -(2**31), 2**31 - 1


class TensorSpec(BaseModel):
    """An input that is no image.

    Attributes:
        name: Of the input.
        shape: Its sizes.
        dtype: Its element type; ``None`` for that of the files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "float16", "int32", "int64", "uint8", "bool"] | None = None

    def __str__(self) -> str:
        return f"{self.dtype or 'any type'} {'x'.join(map(str, self.shape)) or 'scalar'}"


@contextlib.contextmanager
def tensor_files(source: Path) -> Iterator[dict[str, ImageFile]]:
    """The files of tensors in ``source``, by their names without folders and suffix, sorted.

    Raises:
        StepError: If there is none, two have the same name, or an archive is damaged, over a limit or suspicious.
    """
    with contextlib.ExitStack() as open_files:
        if source.is_dir():
            names = (name for name in walk(source).files if _is_tensor(name))
            files = [ImageFile(name, partial(read_file, source / name, name)) for name in names]
        else:
            files = members(source, open_files, _is_tensor)
        by_name: dict[str, ImageFile] = {}
        for file in sorted(files, key=lambda each: each.name):
            name = PurePosixPath(file.name).stem
            if name in by_name:
                raise StepError(
                    f"{by_name[name].name} and {file.name} in {source.name} are both for the sample {name}",
                    remedy="give each file a unique name",
                )
            by_name[name] = file
        if not by_name:
            raise StepError(f"there is no tensor in {source}", remedy=f"tensors are files named {', '.join(SUFFIXES)}")
        yield by_name


def beside_images(files: Mapping[str, ImageFile]) -> dict[str, ImageFile]:
    """The files of ``tensor_files`` by the names, without suffix, that images have in a calibration archive.

    A file may lie in the folders that its image lies in, or in none.
    """
    alone = {flat_stem(name): file for name, file in files.items()}
    return alone | {flat_stem(file.name.rpartition(".")[0]): file for file in files.values()}


def drawn(files: Iterable[str], count: int, seed: int, *, in_order: bool = False) -> list[str]:
    """``count`` names of samples, or all if there are fewer, sorted; which ones, ``seed`` alone decides.

    Of sequences the first ones are taken, ``in_order``, and none are drawn.
    """
    names = sorted(files)
    if in_order:
        return names[:count]
    if count < len(names):
        names = sorted(random.Random(seed).sample(names, count))  # noqa: S311 - it can be repeated
    return names


def read_tensor(file: ImageFile, spec: TensorSpec) -> Array:
    """The tensor in a file, as the input takes it.

    Args:
        file: A .npy file; .npz with an array of the input's name, or of a single array; or .bin, the values alone in
            C order and little-endian.
        spec: The input.

    Raises:
        StepError: If it cannot be read, or is of another shape or element type.
    """
    import numpy as np

    data = file.read()
    if file.name.lower().endswith(".bin"):
        return _raw(data, file.name, spec)
    try:
        loaded: Any = np.load(io.BytesIO(data), allow_pickle=False)
        values: Array = loaded if isinstance(loaded, np.ndarray) else _named(loaded, file.name, spec.name)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StepError(f"{file.name}, for {spec.name}, cannot be read: {error}", remedy="write it again") from None
    wanted = TensorSpec(name=spec.name, shape=spec.shape, dtype=spec.dtype)
    if values.shape != spec.shape or (spec.dtype is not None and values.dtype != np.dtype(spec.dtype)):
        present = f"{values.dtype} {'x'.join(map(str, values.shape)) or 'scalar'}"
        raise StepError(
            f"{file.name}, for {spec.name}, is {present}, not {wanted}",
            remedy="tensors are fed unchanged, so they need the input's exact shape and type",
        )
    return values


def checked_tensor(files: Mapping[str, ImageFile], spec: TensorSpec, sample: str, field: str) -> Array:
    """The tensor of a sample, which the chip can be fed.

    Args:
        files: Those of the input, by the names of samples.
        spec: The input.
        sample: The sample's name.
        field: The field of the recipe that names the files.

    Raises:
        StepError: If there is no file, or it holds another shape or type, or numbers that the chip has no room for.
    """
    import numpy as np

    if sample not in files:
        raise StepError(
            f"{spec.name} has no file {sample}.npy, .npz or .bin",
            field=field,
            remedy=_near(files, sample)
            + "each input has a file for every sample, of its name; with an image, of the image's",
        )
    try:
        values = read_tensor(files[sample], spec)
    except StepError as error:
        raise StepError(error.text, field=field, remedy=error.remedy) from None
    low, high = _INT32
    if values.dtype == np.int64 and values.size and (values.min() < low or values.max() > high):
        raise StepError(
            f"{files[sample].name}, for {spec.name}, goes from {values.min()} to {values.max()}: int64 inputs become "
            "int32 on the chip, which has no room for it",
            field=field,
            remedy="feed smaller numbers",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise StepError(
            f"{files[sample].name}, for {spec.name}, has NaN or infinite values", field=field, remedy="fix it"
        )
    return values


def _near(files: Mapping[str, ImageFile], sample: str) -> str:
    close = difflib.get_close_matches(sample, files, n=1)
    return f"did you mean {files[close[0]].name}? " if close else ""


def _named(arrays: Any, file: str, name: str) -> Array:
    names = list(arrays.files)
    if name not in names and len(names) != 1:
        raise StepError(
            f"{file} has no array {name}, but {', '.join(names) or 'none'}",
            remedy="write it with numpy.savez(file, **{name of the input: array, ...})",
        )
    values: Array = arrays[name if name in names else names[0]]
    return values


def _raw(data: bytes, file: str, spec: TensorSpec) -> Array:
    import numpy as np

    if spec.dtype is None:
        raise StepError(
            f"{file}, for {spec.name}, does not say its element type", remedy="set dtype of that input in the recipe"
        )
    kind = np.dtype(spec.dtype).newbyteorder("<")
    wanted = math.prod(spec.shape) * kind.itemsize
    if len(data) != wanted:
        raise StepError(
            f"{file}, for {spec.name}, has {len(data):,} bytes, and {spec} has {wanted:,}",
            remedy="tensors are fed unchanged, so they need the input's exact shape and type",
        )
    return np.frombuffer(data, kind).astype(spec.dtype).reshape(spec.shape)


def _is_tensor(name: str) -> bool:
    return not is_hidden(name) and name.lower().endswith(SUFFIXES)
