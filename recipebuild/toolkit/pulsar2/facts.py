"""What is known of the files that a configuration names: the model's tensors and layers, the archives' contents."""

from __future__ import annotations

import contextlib
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SUFFIXES = {
    "Image": (".jpg", ".jpeg", ".png", ".bmp"),
    "Numpy": (".npy",),
    "NumpyObject": (".npy",),
    "Binary": (".bin",),
}


@dataclass(frozen=True)
class Facts:
    """What is known; what is not is empty.

    Attributes:
        inputs: The model's inputs by name, each with its sizes where they are known.
        outputs: The names of its outputs.
        layers: Its nodes' operators by the nodes' names.
        joins: Of each Concat, by its name, the operators whose results it joins, whatever only moves data between.
        archives: How many files of each calibration format an archive holds, by the name it has in the configuration.
    """

    inputs: Mapping[str, tuple[int, ...] | None] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    layers: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    archives: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def facts(model: Path | None = None, archives: Iterable[str] = (), folder: Path = Path()) -> Facts:
    """Look at a model and at archives, as far as they are there.

    Args:
        model: An ONNX file.
        archives: As a configuration names them.
        folder: What they are relative to.

    Raises:
        StepError: If ``model`` is no ONNX file.
    """
    counted = {name: counts for name in archives if (counts := _counts(folder / name)) is not None}
    if model is None:
        return Facts(archives=counted)
    from recipebuild.toolkit.graph.files import load
    from recipebuild.toolkit.graph.joins import joined_operators
    from recipebuild.toolkit.graph.statistics import inputs, outputs

    graph = load(model, weights=False)
    return Facts(
        {tensor.name: tensor.sizes for tensor in inputs(graph)},
        tuple(tensor.name for tensor in outputs(graph)),
        {node.name: node.op_type for node in graph.graph.node if node.name},
        joined_operators(graph),
        counted,
    )


def _counts(archive: Path) -> dict[str, int] | None:
    """How many files of each format an archive lists; ``None`` if it is not there, or no archive."""
    names: list[str] | None = None
    with contextlib.suppress(OSError, tarfile.TarError, zipfile.BadZipFile):
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as content:
                names = content.namelist()
        elif archive.is_file():
            with tarfile.open(archive) as tar:
                names = tar.getnames()
    if names is None:
        return None
    return {kind: sum(name.lower().endswith(ends) for name in names) for kind, ends in _SUFFIXES.items()}
