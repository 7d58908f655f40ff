"""What a model is fed for a sample of a dataset: its image, its tensors, or both.

Use: ``session.run(None, feed_of(sample, image, tensors))``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.calibration.tensor_files import TensorSpec, checked_tensor
from recipebuild.toolkit.evaluate.dataset import read_image
from recipebuild.toolkit.evaluate.layouts import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

    Feed = Mapping[str, npt.NDArray[Any]]


def feed_of(sample: Sample, image: ImageSpec | None, tensors: Sequence[TensorSpec]) -> Feed:
    """The arrays of a sample, by input: an image as float32 ``[N, C, H, W]``, tensors as their files have them.

    Args:
        sample: The sample.
        image: What the model expects of an image; ``None`` if it takes none.
        tensors: Its other inputs.

    Raises:
        StepError: If a file is missing, cannot be read, or is of another shape or type.
    """
    pixels = {image.name: preprocess(read_image(sample), image).repeat(image.shape[0], axis=0)} if image else {}
    files = {name: {sample.name: file} for name, file in sample.tensors.items()}
    return pixels | {
        spec.name: checked_tensor(files.get(spec.name, {}), spec, sample.name, "evaluate.dataset") for spec in tensors
    }


def digest_of(sample: Sample) -> str:
    """The SHA-256 of all that a sample is made of, to know it again by; of an image alone that of its file."""
    digest = hashlib.sha256(sample.image.read() if sample.image else b"")
    for name, file in sorted(sample.tensors.items()):
        digest.update(name.encode())
        digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
